"""What is unsettled, against a model that knows every single line."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tsmon.delivery.outstanding import Outstanding

LINES = st.integers(1, 6)


class Lines(RuleBasedStateMachine):
    """A sender with one batch at a time, a spiller with another, and a disk that drops records.

    Lines of this process are their sequence numbers; those of earlier processes are None.
    """

    def __init__(self) -> None:
        super().__init__()
        self.outstanding = Outstanding()
        self.sequence = 0
        self.sending: list[int | None] = []
        self.sent_from_disk = False
        self.spilling: list[int | None] = []
        self.spilling_start = 0
        self.disk: list[list[int | None]] = []

    def new(self, lines: int) -> list[int | None]:
        first = self.sequence + 1
        self.sequence += lines
        self.outstanding.take(first - 1, lines)
        return list(range(first, first + lines))

    @rule(lines=LINES)
    @precondition(lambda self: not self.sequence and not self.disk and not self.sending)
    def found(self, lines: int) -> None:
        self.outstanding.recover(lines)
        self.disk.append([None] * lines)

    @rule(lines=LINES)
    @precondition(lambda self: not self.sending and not self.disk and not self.spilling)
    def take_to_send(self, lines: int) -> None:
        self.sending, self.sent_from_disk = self.new(lines), False

    @rule(lines=LINES)
    @precondition(lambda self: not self.spilling)
    def take_to_spill(self, lines: int) -> None:
        self.spilling_start = self.sequence
        self.spilling = self.new(lines)

    @rule()
    @precondition(lambda self: self.spilling)
    def spill(self) -> None:
        self.outstanding.spill(len(self.spilling), self.spilling_start)
        self.disk.append(self.spilling)
        self.spilling = []

    @rule()
    @precondition(lambda self: self.sending and not self.sent_from_disk and not self.disk and not self.spilling)
    def spill_what_was_to_be_sent(self) -> None:
        self.outstanding.spill(len(self.sending), None)
        self.disk.append(self.sending)
        self.sending = []

    @rule()
    @precondition(lambda self: self.disk and not self.sending)
    def recall(self) -> None:
        self.sending, self.sent_from_disk = self.disk.pop(0), True
        self.outstanding.recall(len(self.sending))

    @rule(lines=LINES)
    @precondition(lambda self: self.sending)
    def settle(self, lines: int) -> None:
        lines = min(lines, len(self.sending))
        settled = 0
        while settled < lines:
            settled += self.outstanding.release(lines - settled)[0]
        del self.sending[:lines]

    @rule()
    @precondition(lambda self: self.sending and self.sent_from_disk and None not in self.sending)
    def put_back(self) -> None:
        self.outstanding.put_back(len(self.sending))
        self.disk.insert(0, self.sending)
        self.sending = []

    @rule(data=st.data())
    @precondition(lambda self: self.disk)
    def drop(self, data: st.DataObject) -> None:
        record = self.disk.pop(0 if None in self.disk[0] else data.draw(st.integers(0, len(self.disk) - 1)))
        assert self.outstanding.drop_from_disk(len(record)) == len(record)

    @invariant()
    def numbers_are_exact(self) -> None:
        assert self.outstanding.in_flight == len(self.sending) + len(self.spilling)
        assert self.outstanding.on_disk == sum(map(len, self.disk))

    @invariant()
    def lines_of_earlier_processes_are_told_apart(self) -> None:
        assert self.outstanding.foreign == [*self.sending, *(n for one in self.disk for n in one)].count(None)

    @invariant()
    def nothing_unsettled_is_taken_for_settled(self) -> None:
        unsettled = [n for part in (self.sending, self.spilling, *self.disk) for n in part if n is not None]
        oldest = self.outstanding.oldest
        assert (oldest is None) == (not unsettled)
        if oldest is not None:
            assert oldest < min(unsettled)


TestLines = Lines.TestCase
TestLines.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)


def test_progress_is_seen_though_more_lines_keep_coming_by_way_of_the_disk() -> None:
    outstanding = Outstanding()
    outstanding.take(0, 10)
    outstanding.spill(10, 0)
    for start in range(10, 100, 10):
        outstanding.recall(10)
        outstanding.take(start, 10)
        outstanding.spill(10, start)
        assert outstanding.release(10) == (10, start - 10)
        assert outstanding.oldest == start
