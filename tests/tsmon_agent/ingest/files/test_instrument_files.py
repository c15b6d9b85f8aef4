"""Files of the kinds that CTDs, tide gauges, loggers and weather stations write."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tsmon.errors import ImportingError
from tsmon_agent.ingest.files import BadRow, ColumnMapping, ReadOptions, open_file, override_mapping

T = 1_498_816_080
"""2017-06-30T09:48:00Z, in seconds."""
S = 1_000_000_000


@dataclass
class Instrument:
    data: bytes
    lines: list[str] = field(default_factory=list)
    options: dict[str, Any] = field(default_factory=dict)
    refusal: str = ""
    bad: list[str] = field(default_factory=list)


FILES = {
    "CTD, RBR's Ruskin": Instrument(
        b"Time,Conductivity,Temperature,Pressure\n2017-06-30 09:48:00.000,42.1234,10.0012,10.1325\n"
        b"2017-06-30 09:48:00.167,42.1235,10.0013,10.1326\n",
        [
            f"m Conductivity=42.1234,Temperature=10.0012,Pressure=10.1325 {T * S}",
            f"m Conductivity=42.1235,Temperature=10.0013,Pressure=10.1326 {T * S + 167_000_000}",
        ],
    ),
    "CTD, an ERDDAP server": Instrument(
        b"time,sea_water_temperature,station\nUTC,degree_Celsius,\n2017-06-30T09:48:00Z,12.3,a\n"
        b"2017-06-30T09:58:00Z,NaN,a\n",
        [f"m,station=a sea_water_temperature=12.3 {T * S}"],
        {"tags": ["station"]},
    ),
    "CTD, Sea-Bird's .cnv": Instrument(
        b"* Sea-Bird SBE 9 Data File:\n# nquan = 3\n# name 0 = timeS: Time, Elapsed [seconds]\n"
        b"# name 1 = prDM: Pressure, Digiquartz [db]\n# name 2 = t090C: Temperature [ITS-90, deg C]\n"
        b"# start_time = Jun 30 2017 09:48:00 [NMEA time, header]\n*END*\n"
        b"      0.000      1.123    10.1234\n      0.042      1.124    10.1235\n",
        refusal="no delimiter separates the lines into the same number of columns; name it by --delimiter",
    ),
    "current meter, Aanderaa": Instrument(
        b"Record Number\tTime tag (Gmt)\tAbs Speed[cm/s]\tDirection[Deg.M]\n1\t30.06.2017 09:48:00\t12.34\t180.1\n"
        b"2\t30.06.2017 09:58:00\t12.35\t181.1\n",
        [
            rf"m Abs\ Speed[cm/s]=12.34,Direction[Deg.M]=180.1 {T * S}",
            rf"m Abs\ Speed[cm/s]=12.35,Direction[Deg.M]=181.1 {(T + 600) * S}",
        ],
        {"time": "Time tag (Gmt)", "fields": ["Abs Speed[cm/s]", "Direction[Deg.M]"]},
    ),
    "tide gauge, IOC": Instrument(
        b"Time (UTC),prs(m)\n2017-06-30 09:48:00,1.234\n2017-06-30 09:49:00,\n2017-06-30 09:50:00,1.236\n",
        [f"m prs(m)=1.234 {T * S}", f"m prs(m)=1.236 {(T + 120) * S}"],
        bad=["it has no field with a value"],
    ),
    "tide gauge, NOAA": Instrument(
        b"Date Time, Water Level, Sigma, O or I (for verified), F, R, L, Quality \n"
        b"2017-06-30 09:48,1.234,0.002,0,0,0,0,v\n",
        [rf"m,Quality=v Water\ Level=1.234,Sigma=0.002 {T * S}"],
        {"tags": ["Quality"], "fields": ["Water Level", "Sigma"]},
    ),
    "tide gauge, PSMSL": Instrument(
        b"  1807.0417; 6995; 0;000\n  1807.1250; 6985; 0;000\n", refusal="is called time; name it by --time"
    ),
    "logger, HOBO": Instrument(
        '\ufeff"Plot Title: 10343"\n"#","Date Time, GMT+02:00","Temp, °C (LGR S/N: 10343)","Host Connected"\n'
        "1,06/30/17 11:48:00 AM,12.345,\n2,06/30/17 01:58:00 PM,12.346,Logged\n".encode(),
        [
            rf"m Temp\,\ °C\ (LGR\ S/N:\ 10343)=12.345 {T * S}",
            rf"m Temp\,\ °C\ (LGR\ S/N:\ 10343)=12.346 {(T + 7800) * S}",
        ],
        {"fields": ["Temp, °C (LGR S/N: 10343)"]},
    ),
    "logger, Campbell's TOA5": Instrument(
        b'"TOA5","station","CR1000","1234","CR1000.Std.28","CPU:prog.CR1","5555","Table1"\n'
        b'"TIMESTAMP","RECORD","BattV_Avg","AirTC"\n"TS","RN","Volts","Deg C"\n"","","Avg","Smp"\n'
        b'"2017-06-30 09:48:00",0,12.5,20.25\n"2017-06-30 09:58:00",1,"NAN",20.5\n',
        [f"m RECORD=0,BattV_Avg=12.5,AirTC=20.25 {T * S}", f"m RECORD=1,AirTC=20.5 {(T + 600) * S}"],
    ),
    "logger, Solinst": Instrument(
        b"Serial_number:\n2012345\nProject ID:\nwell\nLEVEL\nUNIT: m\nTEMPERATURE\nUNIT: Deg C\n"
        b"Date,Time,LEVEL,TEMPERATURE\n2017/06/30,09:48:00,10.1234,12.3\n2017/06/30,09:58:00,10.1235,12.4\n",
        [f"m LEVEL=10.1234,TEMPERATURE=12.3 {T * S}", f"m LEVEL=10.1235,TEMPERATURE=12.4 {(T + 600) * S}"],
    ),
    "weather station, a German spreadsheet": Instrument(
        "Datum;Uhrzeit;Temperatur °C;Niederschlag mm\r\n30.06.2017;11:48;12,3;0,0\r\n"
        "30.06.2017;11:58;12,4;1.234,5\r\n".encode("cp1252"),
        [
            rf"m Temperatur\ °C=12.3,Niederschlag\ mm=0.0 {T * S}",
            rf"m Temperatur\ °C=12.4,Niederschlag\ mm=1234.5 {(T + 600) * S}",
        ],
        {"timezone": "Europe/Berlin"},
    ),
    "weather station, Deutscher Wetterdienst": Instrument(
        b"STATIONS_ID;MESS_DATUM;  QN;PP_10;TT_10;eor\n       433;201706300940;    3;  -999;  12.3;eor\n"
        b"       433;201706300950;    3;1013.2;  12.4;eor\n",
        [
            f"m,STATIONS_ID=433 TT_10=12.3 {(T - 480) * S}",
            f"m,STATIONS_ID=433 PP_10=1013.2,TT_10=12.4 {(T + 120) * S}",
        ],
        {"time": "MESS_DATUM", "tags": ["STATIONS_ID"], "fields": ["PP_10", "TT_10"], "missing": ["-999"]},
    ),
    "weather station, Vaisala": Instrument(
        b"DateTime\tRH%\tT\t\nyyyy-mm-dd hh:mm:ss\t%RH\t'C\t\n2017-06-30 09:48:00\t80.1\t12.3\t\n",
        [f"m RH%=80.1,T=12.3 {T * S}"],
    ),
    "weather station, an airport": Instrument(
        b"#DEBUG: Format Typ    -> comma\nstation,valid,tmpf,dwpf\nEDDF,2017-06-30 09:48,68.00,M\n"
        b"EDDF,2017-06-30 09:58,M,50.00\n",
        [f"m,station=EDDF tmpf=68 {T * S}", f"m,station=EDDF dwpf=50 {(T + 600) * S}"],
        {"time": "valid", "tags": ["station"], "missing": ["M"]},
    ),
    "weather station, Davis": Instrument(
        b"\t\tTemp\tHi\tOut\n\tDate\tTime\tOut\tTemp\tHum\n30/06/17\t9:48a\t12.3\t12.5\t80\n",
        refusal="no delimiter separates the lines into the same number of columns; name it by --delimiter",
    ),
}


def read(path: Path, options: dict[str, Any]) -> tuple[list[str], list[BadRow]]:
    given = dict(options)
    columns = override_mapping(ColumnMapping(), fields=given.pop("fields", []), measurement="m", **given)
    read_options = ReadOptions(None, None, columns, None)
    with open_file(path) as one:
        reader, _ = read_options.build_reader(path, one)
        chunks = list(reader.read_chunks(one.stream, 0, 1))
    return [line for one in chunks for line in one.lines], [bad for one in chunks for bad in one.bad]


@pytest.mark.parametrize("name", FILES)
def test_a_file_is_read_exactly_or_refused_with_the_remedy(name: str, tmp_path: Path) -> None:
    instrument = FILES[name]
    path = tmp_path / "instrument.dat"
    path.write_bytes(instrument.data)
    if instrument.refusal:
        with pytest.raises(ImportingError, match=instrument.refusal):
            read(path, instrument.options)
        return
    lines, bad = read(path, instrument.options)
    assert [line.replace(".0,", ",").replace(".0 ", " ") for line in lines] == [
        line.replace(".0,", ",").replace(".0 ", " ") for line in instrument.lines
    ]
    assert [one.reason for one in bad] == instrument.bad


PYTHON = re.compile(
    r"invalid literal|could not convert|isoformat|codec can't|\[Errno|not in list|"
    r"index out of range|value out of range|too large to convert|"
    r"unpack|has no attribute|unterminated|NoneType|does not match format|unconverted data|object is not"
)
"""Words of Python's own messages."""

PIECES = [b"", b"x", b"9" * 30, b",", b'"', b"\n", b"\xff", b"\x00", b"#", b";", b"-", b"|", b"\xe2\x82\xac"]
SEEDS = [
    *(one.data for one in FILES.values()),
    b'm v=1 1\nm,a=b v=2i,s="x" 3\n',
    b"#datatype measurement,tag,double,dateTime\nm,a,v,t\nx,y,1.5,2017-06-30T09:48:00Z\nx,y,1.5,12\n",
    b"#timezone Europe/Berlin\nm|measurement,v|long:strict,t|dateTime:2006-01-02\nx,1,2017-06-30\n",
    (
        b"#datatype,string,long,dateTime:RFC3339,double,string,string\n#group,false,false,false,false,true,true\n"
        b"#default,_result,,,,,\n,result,table,_time,_value,_field,_measurement\n,,0,2017-06-30T09:48:00Z,1,v,m\n"
    ),
]


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from(SEEDS),
    st.lists(
        st.tuples(
            st.integers(0, 600),
            st.integers(0, 4),
            st.sampled_from(
                [b"", b"x", b"9" * 30, b",", b'"', b"\n", b"\xff", b"\x00", b"#", b";", b"-", b"|", b"\xe2\x82\xac"]
            ),
        ),
        max_size=4,
    ),
)
def test_whatever_is_wrong_with_a_file_is_said_in_words(
    tmp_path: Path, seed: bytes, changes: list[tuple[int, int, bytes]]
) -> None:
    data = seed
    for drawn, length, other in changes:
        place = drawn % (len(data) + 1)
        data = data[:place] + other + data[place + length :]
    path = tmp_path / "instrument.dat"
    path.write_bytes(data)
    try:
        _, bad = read(path, {"timezone": "Europe/Berlin"})
        texts = [one.reason for one in bad]
    except ImportingError as error:
        texts = [str(error).removeprefix(str(path))]
    assert not [text for text in texts if PYTHON.search(text)]
