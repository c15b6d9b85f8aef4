import "math"
import "strings"

// The rules of gaps and sparsity, in Flux: tables of bins and edges become tables of intervals.
//
// Columns of the row of a bin: s (number of its span), k = 1, f and l (its first and last time), c (number of its
// points), len and sep (its part of the sum and number of separations), tl and ts (its part of those of the whole
// data set). The first row of each span is its edge: k = 0, f = l = its start, none = 0, which is null in all other
// rows, and the numbers of the span: limit, floor, expected (1 or 0), width (of bins), presentTo, level1To and
// level2To. For raiseLimits they also have typical (1 if the typical separation may raise the limit, else 0),
// wholeFrom and wholeTo (start and end of the windows of this width that no edge of the span cuts). One more edge,
// with fin = 1, follows the last span. All times are integer nanoseconds. Each table is computed on its own, so one
// query may process several streams, each in its own table.
//
// Flux computes a map column by column, hundreds of times faster than row by row, if the map consists only of
// arithmetic, comparisons and conditions over columns and literals. So the rules' numbers are columns, not
// parameters, and times become integers in separate maps.

// Adds the difference to the previous row as a new column; null in the first row.
addDifference = (tables=<-, column, as) => tables
    |> duplicate(column: column, as: as)
    |> difference(columns: [as], keepFirst: true)

// Sorts rows, and copies the edge's numbers into the rows of its span.
sortRows = (tables=<-) => tables
    |> sort(columns: ["s", "k", "f"])
    |> fill(column: "limit", usePrevious: true)
    |> fill(column: "floor", usePrevious: true)
    |> fill(column: "expected", usePrevious: true)
    |> fill(column: "width", usePrevious: true)
    |> fill(column: "presentTo", usePrevious: true)
    |> fill(column: "level1To", usePrevious: true)
    |> fill(column: "level2To", usePrevious: true)

// Makes the edges, from last to first, of sorted rows: with the sum and number of the separations that are typical
// of the span, as typicalLen and typicalSep, and with limits of at least twice their mean. These are the separations
// within whole windows, else, if they are less than a tenth of all, those of the whole span. No limit is longer than
// all of time.
raiseLimits = (tables=<-) => tables
    |> fill(column: "wholeFrom", usePrevious: true)
    |> fill(column: "wholeTo", usePrevious: true)
    |> addDifference(column: "l", as: "dl")
    |> addDifference(column: "k", as: "dk")
    |> map(fn: (r) => ({r with
        b: if r.f < 0 then (r.f + 1) / r.width - 1 else r.f / r.width,
        before: if exists r.dl then r.l - r.dl else r.l,
    }))
    |> addDifference(column: "b", as: "db")
    |> map(fn: (r) => ({r with
        typicalLen: if r.k == 0 or r.f < r.wholeFrom or r.l >= r.wholeTo then 0
            else if r.dk == 0 and r.db == 0 then r.len + r.f - r.before
            else r.len,
        typicalSep: if r.k == 0 or r.f < r.wholeFrom or r.l >= r.wholeTo then 0
            else if r.dk == 0 and r.db == 0 then r.c
            else r.c - 1,
        spanLen: if r.k == 0 then 0 else if r.dk == 0 then r.l - r.before else r.l - r.f,
        spanSep: if r.k == 0 then 0 else if r.dk == 0 then r.c else r.c - 1,
    }))
    |> drop(columns: ["b", "before", "dl", "dk", "db"])
    |> sort(columns: ["s", "k", "f"], desc: true)
    |> cumulativeSum(columns: ["typicalLen", "typicalSep", "spanLen", "spanSep"])
    |> filter(fn: (r) => r.k == 0)
    |> difference(columns: ["typicalLen", "typicalSep", "spanLen", "spanSep"], keepFirst: true)
    |> map(fn: (r) => ({r with
        spanLen: if r.fin == 1 then 0 else r.spanLen,
        spanSep: if r.fin == 1 then 0 else r.spanSep,
        typicalLen: if r.fin == 1 then 0 else r.typicalLen,
        typicalSep: if r.fin == 1 then 0 else r.typicalSep,
    }))
    |> map(fn: (r) => ({r with
        typicalLen: if 10 * r.typicalSep < r.spanSep then r.spanLen else r.typicalLen,
        typicalSep: if 10 * r.typicalSep < r.spanSep then r.spanSep else r.typicalSep,
    }))
    |> map(fn: (r) => ({r with divisor: if r.typicalSep > 0 and r.typical == 1 then r.typicalSep else 1}))
    |> map(fn: (r) => ({r with mean: if r.typicalSep > 0 and r.typical == 1 then r.typicalLen / r.divisor else 0}))
    |> map(fn: (r) => ({r with
        twice: if r.mean >= 4611686018427387903 then 9223372036854775806
            else if r.typicalSep > 0 and r.typical == 1
            then 2 * r.mean + 2 * (r.typicalLen - r.mean * r.divisor) / r.divisor
            else 0,
    }))
    |> map(fn: (r) => ({r with limit: if r.twice > r.limit then r.twice else r.limit}))
    |> drop(columns: ["divisor", "mean", "twice", "spanLen", "spanSep"])

// Copies raised limits of edges into the rows of their spans; the input are the edges and the rows of bins.
spreadLimits = (tables=<-) => tables
    |> drop(columns: ["typical", "typicalLen", "typicalSep", "wholeFrom", "wholeTo"])
    |> sort(columns: ["s", "k", "f"])
    |> fill(column: "limit", usePrevious: true)

// Joins neighbours within one bin, but not across a gap.
joinBins = (tables=<-) => tables
    |> addDifference(column: "l", as: "dl")
    |> addDifference(column: "k", as: "dk")
    |> map(fn: (r) => ({r with
        b: if r.f < 0 then (r.f + 1) / r.width - 1 else r.f / r.width,
        before: if exists r.dl then r.l - r.dl else r.l,
    }))
    |> addDifference(column: "b", as: "db")
    |> duplicate(column: "c", as: "until")
    |> cumulativeSum(columns: ["until"])
    |> filter(fn: (r) => r.k == 0 or r.dk != 0 or r.db != 0 or r.f - r.before > r.limit)
    |> map(fn: (r) => ({r with until: r.until - r.c}))
    |> sort(columns: ["s", "k", "f"], desc: true)
    |> addDifference(column: "before", as: "dl")
    |> addDifference(column: "until", as: "dk")
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

// Adds the sum and number of separations of the whole data set to every row, as tl and ts.
addTotals = (tables=<-) => tables
    |> cumulativeSum(columns: ["tl", "ts"])
    |> sort(columns: ["s", "k", "f"], desc: true)
    |> map(fn: (r) => ({r with tl: if r.fin == 1 then r.tl else 0, ts: if r.fin == 1 then r.ts else 0}))
    |> cumulativeSum(columns: ["tl", "ts"])

// Adds the category of each bin as cat: 1 (present) to 4. A bin of one point takes that of the bin before, else of
// the next. Edges are 0, so that no bin takes its category from another span. Input is sorted from last to first.
addLevels = (tables=<-) => tables
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

// Adds the end of the data before each row as before, and whether a gap separates the two as gap.
addGaps = (tables=<-) => tables
    |> map(fn: (r) => ({r with n: 1, allowed: r.limit}))
    |> cumulativeSum(columns: ["n"])
    |> addDifference(column: "l", as: "dl")
    |> addDifference(column: "s", as: "ds")
    |> addDifference(column: "k", as: "dk")
    |> addDifference(column: "limit", as: "dlimit")
    |> addDifference(column: "expected", as: "dexpected")
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

// Splits rows into pieces by their start: one for the gap before a row, if there is one, and the row itself.
splitPieces = (tables=<-) => {
    rows = tables |> addGaps()
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

// Extends each piece to the start of the next: start, stop, and the sums of c, len and sep in between.
closePieces = (tables=<-) => tables
    |> sort(columns: ["start", "o"], desc: true)
    |> addDifference(column: "start", as: "dstart")
    |> difference(columns: ["untilc", "untillen", "untilsep"], keepFirst: true)
    |> map(fn: (r) => ({r with
        stop: if exists r.dstart then r.start - r.dstart else r.start,
        c: if r.fin == 1 then 0 else 0 - r.untilc,
        len: if r.fin == 1 then 0 else 0 - r.untillen,
        sep: if r.fin == 1 then 0 else 0 - r.untilsep,
    }))
    |> sort(columns: ["start", "o"])

// Adds the sums of c, len and sep over all previous rows.
addSums = (tables=<-) => tables
    |> duplicate(column: "c", as: "untilc")
    |> duplicate(column: "len", as: "untillen")
    |> duplicate(column: "sep", as: "untilsep")
    |> cumulativeSum(columns: ["untilc", "untillen", "untilsep"])
    |> map(fn: (r) => ({r with
        untilc: r.untilc - r.c,
        untillen: r.untillen - r.len,
        untilsep: r.untilsep - r.sep,
    }))

// Joins pieces of one category and span, removes those that take no time (their points count for the next one),
// then joins neighbours of one category. Points within Missing are isolated, and not counted as c.
mergePieces = (tables=<-) => tables
    |> addSums()
    |> addDifference(column: "cat", as: "dcat")
    |> addDifference(column: "s", as: "ds")
    |> filter(fn: (r) => not exists r.dcat or r.dcat != 0 or r.ds != 0)
    |> closePieces()
    |> cumulativeSum(columns: ["c"])
    |> filter(fn: (r) => r.stop > r.start or r.fin == 1)
    |> addDifference(column: "c", as: "dc")
    |> map(fn: (r) => ({r with c: if exists r.dc then r.dc else r.c}))
    |> addSums()
    |> addDifference(column: "cat", as: "dcat")
    |> filter(fn: (r) => not exists r.dcat or r.dcat != 0)
    |> closePieces()
    |> filter(fn: (r) => r.fin != 1)
    |> map(fn: (r) => ({r with isolated: if r.cat == 5 then r.c else 0, c: if r.cat == 5 then 0 else r.c}))

// Sums v, the number of points per series, over the series of each window w; sorted by window.
sumOverSeries = (tables=<-) => tables
    |> cumulativeSum(columns: ["v"])
    |> sort(columns: ["w", "v"], desc: true)
    |> unique(column: "w")
    |> sort(columns: ["w"])
    |> addDifference(column: "v", as: "dv")
    |> map(fn: (r) => ({r with v: if exists r.dv then r.dv else r.v}))
    |> drop(columns: ["dv"])

// Builds the rows of bins from counts, first times and last times.
buildBinRows = (tables=<-) => tables
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

// Builds a row per reported bin from points with the fields length and count: since, upto, length and count.
buildReportedBinRows = (tables=<-) => tables
    |> pivot(rowKey: ["_time"], columnKey: ["_field"], valueColumn: "_value")
    |> filter(fn: (r) => exists r.length and exists r.count)
    |> filter(fn: (r) => r.count > 0)
    |> map(fn: (r) => ({r with since: int(v: r._time), upto: int(v: r._time) + r.length}))

start = int(v: v.timeRangeStart)
stop = int(v: v.timeRangeStop)
betweenBins = "${preset:raw}" == "bins"
billionths = int(v: math.round(x: 1000000000.0 * float(v: "${fraction:raw}")))
seconds = (stop - start) / 1000000000
longest = seconds * billionths + (stop - start - seconds * 1000000000) * billionths / 1000000000
bounds = strings.split(v: "${bounds:raw}", t: "/")
presentTo = float(v: bounds[0]) + (if betweenBins then 0.0 else 0.01)
floor = if betweenBins then 0.001 * float(v: stop - start) else 0.0
width = int(v: 1d)
wholeFrom = if start > 0 then (start + width - 1) / width * width else start / width * width
wholeTo = if stop < 0 then ((stop + 1) / width - 1) * width else stop / width * width
need = if longest < 1 then width else (width + longest - 1) / longest
parts = if need <= 1 then 1 else if need <= 2 then 2 else if need <= 3 then 3 else if need <= 4 then 4 else if need <= 6 then 6 else if need <= 8 then 8 else if need <= 9 then 9 else if need <= 12 then 12 else if need <= 16 then 16 else if need <= 18 then 18 else if need <= 24 then 24 else if need <= 32 then 32 else if need <= 36 then 36 else if need <= 48 then 48 else if need <= 64 then 64 else if need <= 72 then 72 else if need <= 96 then 96 else if need <= 128 then 128 else if need <= 144 then 144 else if need <= 192 then 192 else if need <= 256 then 256 else if need <= 288 then 288 else if need <= 384 then 384 else if need <= 512 then 512 else if need <= 576 then 576 else if need <= 768 then 768 else if need <= 1024 then 1024 else if need <= 1152 then 1152 else if need <= 1536 then 1536 else if need <= 2048 then 2048 else if need <= 2304 then 2304 else if need <= 3072 then 3072 else if need <= 4096 then 4096 else if need <= 4608 then 4608 else if need <= 6144 then 6144 else if need <= 8192 then 8192 else if need <= 9216 then 9216 else if need <= 12288 then 12288 else if need <= 18432 then 18432 else if need <= 24576 then 24576 else if need <= 36864 then 36864 else if need <= 73728 then 73728 else 73728
every = if betweenBins then width else width / parts
seen = from(bucket: v.defaultBucket)
  |> range(start: time(v: -9223372036854775806), stop: v.timeRangeStop)
  |> filter(fn: (r) => r["reference_designator"] =~ /^${instrument:regex}$/ and r["reference_designator"] =~ /^${site:regex}(-|$)/ and r["_measurement"] =~ /^${stream:regex}$/ and r["_field"] =~ /^${field:regex}$/)
  |> last()
  |> keep(columns: ["_measurement", "reference_designator", "method", "_time"])
  |> group(columns: ["_measurement", "reference_designator", "method"])
  |> limit(n: 1)
rates = from(bucket: v.defaultBucket)
  |> range(start: time(v: -9223372036854775806), stop: v.timeRangeStop)
  |> filter(fn: (r) => r["_measurement"] == "stream_freshness" and r["reference_designator"] =~ /^${instrument:regex}$/ and r["reference_designator"] =~ /^${site:regex}(-|$)/ and r["stream"] =~ /^${stream:regex}$/ and r["_field"] == "expected_rate")
  |> last()
  |> keep(columns: ["reference_designator", "method", "stream", "_time", "_value"])
  |> rename(columns: {stream: "_measurement"})
  |> group(columns: ["_measurement", "reference_designator", "method"])
  |> sort(columns: ["_time"])
  |> last()
  |> filter(fn: (r) => r._value > 0.0)
  |> map(fn: (r) => ({r with s: -1, twice: 2 * int(v: math.round(x: 1000000000.0 / r._value))}))
  |> drop(columns: ["_time", "_value"])
awaited = seen |> map(fn: (r) => ({r with s: 0, f: start, l: start, fin: 0, limit: longest, expected: 1, typical: if betweenBins then 0 else 1, twice: 0, k: 0, c: 0, len: 0, sep: 0, tl: 0, ts: 0, none: 0, width: width, floor: floor, presentTo: presentTo, level1To: float(v: bounds[1]), level2To: float(v: bounds[2]), wholeFrom: wholeFrom, wholeTo: wholeTo}))
begun = union(tables: [awaited, rates])
  |> sort(columns: ["s"])
  |> cumulativeSum(columns: ["twice"])
  |> filter(fn: (r) => r.s == 0)
  |> map(fn: (r) => ({r with typical: if r.twice > 0 then 0 else r.typical, limit: if r.twice > r.limit and not betweenBins then r.twice else r.limit}))
  |> drop(columns: ["twice"])
ended = seen |> map(fn: (r) => ({r with s: 1, f: stop, l: stop, fin: 1, limit: 0, expected: 0, typical: 0, k: 0, c: 0, len: 0, sep: 0, tl: 0, ts: 0, none: 0, width: width, floor: floor, presentTo: presentTo, level1To: float(v: bounds[1]), level2To: float(v: bounds[2]), wholeFrom: wholeFrom, wholeTo: wholeTo}))
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
  |> sumOverSeries()
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
    |> buildBinRows()
rows = union(tables: [edges, bins])
    |> sortRows()
limits = rows |> raiseLimits()
of_bins = rows |> filter(fn: (r) => r.k == 1) |> drop(columns: ["limit"])
raised = union(tables: [limits, of_bins]) |> spreadLimits()
raised
    |> joinBins()
    |> addTotals()
    |> addLevels()
    |> splitPieces()
    |> mergePieces()
    |> map(fn: (r) => ({r with _time: time(v: r.start)}))
    |> map(fn: (r) => ({r with _value: if r.cat == 1 then "Present" else if r.cat == 2 then "Sparsity Level 1" else if r.cat == 3 then "Sparsity Level 2" else if r.cat == 4 then "Sparsity Level 3" else if r.cat == 5 then "Missing" else "Not Expected"}))
    |> keep(columns: ["_measurement", "reference_designator", "method", "_time", "_value"])
