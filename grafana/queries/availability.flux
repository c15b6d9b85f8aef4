import "strings"

// The rules of gaps and sparsity, in Flux: tables of bins and edges become tables of intervals.
//
// A row of a bin has s (number of its span), k = 1, f and l (its first and last time), c (number of its points),
// len and sep (what it adds to length and number of separations), tl and ts (what it adds to those of the whole
// data set). The first row of each span is its edge: k = 0, f = l = its start, none = 0, which is null in all other
// rows, and what holds for the span: limit, floor, expected (1 or 0), width (of bins), presentTo, level1To and
// level2To. Behind the last span stands one more edge, with fin = 1. All times are integers of nanoseconds. Everything
// is told per table, so several streams may be told of at once, each in a table of its own.
//
// Flux computes a column at a time, hundreds of times quicker than a row at a time, where a map consists of
// arithmetic, comparisons and conditions over columns and literals only. Hence the rules' numbers are columns instead
// of parameters, and times are made integers in maps of their own.

// Difference to the row before, in a column of its own; null in the first row.
since = (tables=<-, column, as) => tables
    |> duplicate(column: column, as: as)
    |> difference(columns: [as], keepFirst: true)

// Rows in order, with the edge's numbers in the rows of its span.
inOrder = (tables=<-) => tables
    |> sort(columns: ["s", "k", "f"])
    |> fill(column: "limit", usePrevious: true)
    |> fill(column: "floor", usePrevious: true)
    |> fill(column: "expected", usePrevious: true)
    |> fill(column: "width", usePrevious: true)
    |> fill(column: "presentTo", usePrevious: true)
    |> fill(column: "level1To", usePrevious: true)
    |> fill(column: "level2To", usePrevious: true)

// Neighbours within one bin made one, but not over a gap.
joined = (tables=<-) => tables
    |> since(column: "l", as: "dl")
    |> since(column: "k", as: "dk")
    |> map(fn: (r) => ({r with
        b: if r.f < 0 then (r.f + 1) / r.width - 1 else r.f / r.width,
        before: if exists r.dl then r.l - r.dl else r.l,
    }))
    |> since(column: "b", as: "db")
    |> duplicate(column: "c", as: "until")
    |> cumulativeSum(columns: ["until"])
    |> filter(fn: (r) => r.k == 0 or r.dk != 0 or r.db != 0 or r.f - r.before > r.limit)
    |> map(fn: (r) => ({r with until: r.until - r.c}))
    |> sort(columns: ["s", "k", "f"], desc: true)
    |> since(column: "before", as: "dl")
    |> since(column: "until", as: "dk")
    |> map(fn: (r) => ({r with
        l: if r.k == 1 then r.before - r.dl else r.l,
        c: if r.k == 1 then 0 - r.dk else 0,
    }))
    |> map(fn: (r) => ({r with
        len: r.l - r.f,
        sep: if r.k == 1 then r.c - 1 else 0,
        tl: r.l - r.f,
        ts: if r.k == 1 then r.c - 1 else 0,
    }))
    |> drop(columns: ["dl", "dk", "db", "b", "before", "until"])
    |> sort(columns: ["s", "k", "f"])

// Length and separations of the whole data set in every row, as tl and ts.
withWhole = (tables=<-) => tables
    |> cumulativeSum(columns: ["tl", "ts"])
    |> sort(columns: ["s", "k", "f"], desc: true)
    |> map(fn: (r) => ({r with tl: if r.fin == 1 then r.tl else 0, ts: if r.fin == 1 then r.ts else 0}))
    |> cumulativeSum(columns: ["tl", "ts"])

// How sparse each bin is, as cat: 1 (present) to 4; the bin of one point as the one before, else as the next.
// Edges are 0, so that no bin takes its level from another span. Takes and gives rows from the last to the first.
withLevels = (tables=<-) => tables
    |> map(fn: (r) => ({r with
        mean: if r.sep > 0 then float(v: r.len) / float(v: r.sep) else 0.0,
        whole: if r.ts > 0 then float(v: r.tl) / float(v: r.ts) else 0.0,
    }))
    |> map(fn: (r) => ({r with
        next: if r.k == 0 then 0
            else if r.c < 2 then r.none
            else if r.mean <= r.floor or r.whole == 0.0 then 1
            else if r.mean / r.whole <= r.presentTo then 1
            else if r.mean / r.whole <= r.level1To then 2
            else if r.mean / r.whole <= r.level2To then 3
            else 4,
    }))
    |> duplicate(column: "next", as: "cat")
    |> fill(column: "next", usePrevious: true)
    |> sort(columns: ["s", "k", "f"])
    |> fill(column: "cat", usePrevious: true)
    |> map(fn: (r) => ({r with
        cat: if r.expected == 0 or r.k == 0 then 0 else if r.cat > 0 then r.cat else if r.next > 0 then r.next else 1,
    }))
    |> drop(columns: ["mean", "whole", "next", "none", "floor", "width", "presentTo", "level1To", "level2To"])

// Rows with what stands before them: the end of the data there, and whether that is a gap.
withGaps = (tables=<-) => tables
    |> map(fn: (r) => ({r with n: 1, allowed: r.limit}))
    |> cumulativeSum(columns: ["n"])
    |> since(column: "l", as: "dl")
    |> since(column: "s", as: "ds")
    |> since(column: "k", as: "dk")
    |> since(column: "limit", as: "dlimit")
    |> since(column: "expected", as: "dexpected")
    |> map(fn: (r) => ({r with
        before: if exists r.dl then r.l - r.dl else r.l,
        span: if exists r.ds then r.s - r.ds else r.s,
        first: if exists r.dk then r.k - r.dk == 0 else true,
        awaited: if exists r.dexpected then r.expected - r.dexpected == 1 else false,
        allowed: if exists r.dlimit then r.limit - r.dlimit else 0,
    }))
    |> map(fn: (r) => ({r with
        gap: r.awaited and (r.f - r.before > r.allowed or (r.k == 0 and r.first)),
    }))
    |> drop(columns: ["dl", "ds", "dk", "dlimit", "dexpected", "awaited", "allowed", "limit", "l"])

// Where something begins: what is missing before a row, and the row itself.
pieces = (tables=<-) => {
    rows = tables |> withGaps()
    missing = rows
        |> filter(fn: (r) => r.gap)
        |> map(fn: (r) => ({r with start: r.before, o: 2 * r.n, s: r.span, cat: 5, c: 0, len: 0, sep: 0, fin: 0}))
    own = rows
        |> filter(fn: (r) => r.k == 1 or r.expected == 0)
        |> map(fn: (r) => ({r with
            start: if r.k == 1 and r.expected == 1 and r.first and not r.gap then r.before else r.f,
            o: 2 * r.n + 1,
            cat: if r.fin == 1 then 6 else r.cat,
            len: if r.expected == 1 then r.len else 0,
            sep: if r.expected == 1 then r.sep else 0,
        }))

    return union(tables: [missing, own])
        |> drop(columns: ["gap", "first", "before", "span", "n", "f", "k", "expected"])
        |> sort(columns: ["start", "o"])
}

// Of rows that begin something, each until the next one that begins: start, stop, and the sums of c, len and sep.
between = (tables=<-) => tables
    |> sort(columns: ["start", "o"], desc: true)
    |> since(column: "start", as: "dstart")
    |> difference(columns: ["untilc", "untillen", "untilsep"], keepFirst: true)
    |> map(fn: (r) => ({r with
        stop: if exists r.dstart then r.start - r.dstart else r.start,
        c: if r.fin == 1 then 0 else 0 - r.untilc,
        len: if r.fin == 1 then 0 else 0 - r.untillen,
        sep: if r.fin == 1 then 0 else 0 - r.untilsep,
    }))
    |> sort(columns: ["start", "o"])

// What came before each row, summed up.
summed = (tables=<-) => tables
    |> duplicate(column: "c", as: "untilc")
    |> duplicate(column: "len", as: "untillen")
    |> duplicate(column: "sep", as: "untilsep")
    |> cumulativeSum(columns: ["untilc", "untillen", "untilsep"])
    |> map(fn: (r) => ({r with
        untilc: r.untilc - r.c,
        untillen: r.untillen - r.len,
        untilsep: r.untilsep - r.sep,
    }))

// Pieces of one category and span made one; those that take no time go, and their points count for the next; then
// neighbours of one category made one.
merged = (tables=<-) => tables
    |> summed()
    |> since(column: "cat", as: "dcat")
    |> since(column: "s", as: "ds")
    |> filter(fn: (r) => not exists r.dcat or r.dcat != 0 or r.ds != 0)
    |> between()
    |> cumulativeSum(columns: ["c"])
    |> filter(fn: (r) => r.stop > r.start or r.fin == 1)
    |> since(column: "c", as: "dc")
    |> map(fn: (r) => ({r with c: if exists r.dc then r.dc else r.c}))
    |> summed()
    |> since(column: "cat", as: "dcat")
    |> filter(fn: (r) => not exists r.dcat or r.dcat != 0)
    |> between()
    |> filter(fn: (r) => r.fin != 1)

// Numbers of points in v of each window w, from numbers of each series; sorted by window.
overSeries = (tables=<-) => tables
    |> cumulativeSum(columns: ["v"])
    |> sort(columns: ["w", "v"], desc: true)
    |> unique(column: "w")
    |> sort(columns: ["w"])
    |> since(column: "v", as: "dv")
    |> map(fn: (r) => ({r with v: if exists r.dv then r.dv else r.v}))
    |> drop(columns: ["dv"])

// Rows of bins, from the three kinds of rows together.
binRows = (tables=<-) => tables
    |> pivot(rowKey: ["s", "w"], columnKey: ["what"], valueColumn: "v")
    |> map(fn: (r) => ({r with
        k: 1,
        fin: 0,
        len: r.l - r.f,
        sep: r.c - 1,
        tl: r.l - r.f,
        ts: r.c - 1,
    }))
    |> drop(columns: ["w"])

// Bins that are given by points with the fields length and count, a row each: from, to, length and number.
givenRows = (tables=<-) => tables
    |> pivot(rowKey: ["_time"], columnKey: ["_field"], valueColumn: "_value")
    |> filter(fn: (r) => exists r.length and exists r.count)
    |> filter(fn: (r) => r.count > 0)
    |> map(fn: (r) => ({r with since: int(v: r._time), upto: int(v: r._time) + r.length}))

start = int(v: v.timeRangeStart)
stop = int(v: v.timeRangeStop)
betweenBins = "${preset:raw}" == "bins"
longest = int(v: float(v: stop - start) * float(v: "${fraction:raw}"))
bounds = strings.split(v: "${bounds:raw}", t: "/")
presentTo = float(v: bounds[0]) + (if betweenBins then 0.0 else 0.01)
floor = if betweenBins then 0.001 * float(v: stop - start) else 0.0
width = int(v: 1d)
need = if longest < 1 then width else (width + longest - 1) / longest
parts = if need <= 1 then 1 else if need <= 2 then 2 else if need <= 3 then 3 else if need <= 4 then 4 else if need <= 6 then 6 else if need <= 8 then 8 else if need <= 9 then 9 else if need <= 12 then 12 else if need <= 16 then 16 else if need <= 18 then 18 else if need <= 24 then 24 else if need <= 32 then 32 else if need <= 36 then 36 else if need <= 48 then 48 else if need <= 64 then 64 else if need <= 72 then 72 else if need <= 96 then 96 else if need <= 128 then 128 else if need <= 144 then 144 else if need <= 192 then 192 else if need <= 256 then 256 else if need <= 288 then 288 else if need <= 384 then 384 else if need <= 512 then 512 else if need <= 576 then 576 else if need <= 768 then 768 else if need <= 1024 then 1024 else if need <= 1152 then 1152 else if need <= 1536 then 1536 else if need <= 2048 then 2048 else if need <= 2304 then 2304 else if need <= 3072 then 3072 else if need <= 4096 then 4096 else if need <= 4608 then 4608 else if need <= 6144 then 6144 else if need <= 8192 then 8192 else if need <= 9216 then 9216 else if need <= 12288 then 12288 else if need <= 18432 then 18432 else if need <= 24576 then 24576 else if need <= 36864 then 36864 else if need <= 73728 then 73728 else 73728
every = if betweenBins then width else width / parts
seen = from(bucket: v.defaultBucket)
  |> range(start: 0, stop: v.timeRangeStop)
  |> filter(fn: (r) => r["reference_designator"] =~ /^${instrument:regex}$/ and r["reference_designator"] =~ /^${site:regex}(-|$)/ and r["_measurement"] =~ /^${stream:regex}$/ and r["_field"] =~ /^${field:regex}$/)
  |> last()
  |> keep(columns: ["_measurement", "reference_designator", "method", "_time"])
  |> group(columns: ["_measurement", "reference_designator", "method"])
  |> limit(n: 1)
begun = seen |> map(fn: (r) => ({r with s: 0, f: start, l: start, fin: 0, limit: longest, expected: 1, k: 0, c: 0, len: 0, sep: 0, tl: 0, ts: 0, none: 0, width: width, floor: floor, presentTo: presentTo, level1To: float(v: bounds[1]), level2To: float(v: bounds[2])}))
ended = seen |> map(fn: (r) => ({r with s: 1, f: stop, l: stop, fin: 1, limit: 0, expected: 0, k: 0, c: 0, len: 0, sep: 0, tl: 0, ts: 0, none: 0, width: width, floor: floor, presentTo: presentTo, level1To: float(v: bounds[1]), level2To: float(v: bounds[2])}))
edges = union(tables: [begun, ended]) |> drop(columns: ["_time"])
bins = union(tables: [
from(bucket: v.defaultBucket)
  |> range(start: v.timeRangeStart, stop: v.timeRangeStop)
  |> filter(fn: (r) => r["reference_designator"] =~ /^${instrument:regex}$/ and r["reference_designator"] =~ /^${site:regex}(-|$)/ and r["_measurement"] =~ /^${stream:regex}$/ and r["_field"] =~ /^${field:regex}$/)
  |> window(every: duration(v: every))
  |> count()
  |> keep(columns: ["_measurement", "reference_designator", "method", "_start", "_value"])
  |> group(columns: ["_measurement", "reference_designator", "method"])
  |> sort(columns: ["_start"], desc: false)
  |> map(fn: (r) => ({r with w: int(v: r._start)}))
  |> map(fn: (r) => ({r with s: 0, what: "c", v: r._value, w: if r.w < 0 then (r.w + 1) / every - 1 else r.w / every}))
  |> drop(columns: ["_start", "_value"])
  |> overSeries()
,
from(bucket: v.defaultBucket)
  |> range(start: v.timeRangeStart, stop: v.timeRangeStop)
  |> filter(fn: (r) => r["reference_designator"] =~ /^${instrument:regex}$/ and r["reference_designator"] =~ /^${site:regex}(-|$)/ and r["_measurement"] =~ /^${stream:regex}$/ and r["_field"] =~ /^${field:regex}$/)
  |> window(every: duration(v: every))
  |> first()
  |> keep(columns: ["_measurement", "reference_designator", "method", "_time"])
  |> group(columns: ["_measurement", "reference_designator", "method"])
  |> sort(columns: ["_time"], desc: false)
  |> map(fn: (r) => ({r with w: int(v: r._time)}))
  |> map(fn: (r) => ({r with s: 0, what: "f", v: r.w, w: if r.w < 0 then (r.w + 1) / every - 1 else r.w / every}))
  |> drop(columns: ["_time"])
  |> unique(column: "w")
,
from(bucket: v.defaultBucket)
  |> range(start: v.timeRangeStart, stop: v.timeRangeStop)
  |> filter(fn: (r) => r["reference_designator"] =~ /^${instrument:regex}$/ and r["reference_designator"] =~ /^${site:regex}(-|$)/ and r["_measurement"] =~ /^${stream:regex}$/ and r["_field"] =~ /^${field:regex}$/)
  |> window(every: duration(v: every))
  |> last()
  |> keep(columns: ["_measurement", "reference_designator", "method", "_time"])
  |> group(columns: ["_measurement", "reference_designator", "method"])
  |> sort(columns: ["_time"], desc: true)
  |> map(fn: (r) => ({r with w: int(v: r._time)}))
  |> map(fn: (r) => ({r with s: 0, what: "l", v: r.w, w: if r.w < 0 then (r.w + 1) / every - 1 else r.w / every}))
  |> drop(columns: ["_time"])
  |> unique(column: "w")
,
])
    |> binRows()
union(tables: [edges, bins])
    |> inOrder()
    |> joined()
    |> withWhole()
    |> withLevels()
    |> pieces()
    |> merged()
    |> map(fn: (r) => ({r with _time: time(v: r.start)}))
    |> map(fn: (r) => ({r with _value: if r.cat == 1 then "Present" else if r.cat == 2 then "Sparsity Level 1" else if r.cat == 3 then "Sparsity Level 2" else if r.cat == 4 then "Sparsity Level 3" else if r.cat == 5 then "Missing" else "Not Expected"}))
    |> keep(columns: ["_measurement", "reference_designator", "method", "_time", "_value"])
