"""No comprehension gives a name a second meaning within its function.

Since Python 3.12 a comprehension is inlined into the function around it. Where it binds a name that the rest of the
function takes from outside, a helper's for example, the compiler may make one variable of both, and the function
fails with UnboundLocalError. Python 3.11 keeps them apart, so no test there would notice.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = ("tsmon", "tsmon_agent", "benchmarks", "examples", "tests")

Function = ast.FunctionDef | ast.AsyncFunctionDef
Comprehension = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp
Scope = ast.Module | ast.ClassDef | Function | ast.Lambda


def walk_own(node: ast.AST) -> Iterator[ast.AST]:
    """Everything within a scope but what is within a scope inside it."""
    for child in ast.iter_child_nodes(node):
        yield child
        if not isinstance(child, Scope):
            yield from walk_own(child)


def find_definitions(scope: ast.AST) -> set[str]:
    """Names of the functions, classes and imports that a scope makes."""
    found = set()
    for node in walk_own(scope):
        if isinstance(node, Function | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            found |= {(alias.asname or alias.name).partition(".")[0] for alias in node.names}
    return found


def find_targets(comprehension: ast.AST) -> set[str]:
    """Names that a comprehension binds."""
    assert isinstance(comprehension, Comprehension)
    return {
        node.id
        for generator in comprehension.generators
        for node in ast.walk(generator.target)
        if isinstance(node, ast.Name)
    }


def find_variables(scope: ast.AST) -> set[str]:
    """Names that a scope binds outside of its comprehensions."""
    parameters = ast.walk(scope.args) if isinstance(scope, Function | ast.Lambda) else ()
    found = {node.arg for node in parameters if isinstance(node, ast.arg)}
    waiting = list(ast.iter_child_nodes(scope))
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        elif isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar) and node.name:
            found.add(node.name)
        if isinstance(node, Comprehension):
            waiting += [named.target for named in ast.walk(node) if isinstance(named, ast.NamedExpr)]
        elif not isinstance(node, Scope):
            waiting += ast.iter_child_nodes(node)
    return found | find_definitions(scope)


def find_taken(node: ast.AST, bound: frozenset[str]) -> Iterator[str]:
    """Names that are read within a node, however deep, and are bound nowhere on the way there."""
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id not in bound:
        yield node.id
    if isinstance(node, Comprehension):
        bound |= find_targets(node)
    elif isinstance(node, Scope):
        bound |= find_variables(node)
    for child in ast.iter_child_nodes(node):
        yield from find_taken(child, bound)


def find_shadowed(source: str) -> list[tuple[int, str]]:
    """Line and name of each comprehension's variable that has another meaning around it."""
    return sorted({*_check_scope(ast.parse(source), frozenset())})


def _check_scope(scope: ast.AST, defined: frozenset[str]) -> Iterator[tuple[int, str]]:
    own = defined | find_definitions(scope)
    comprehensions = [node for node in walk_own(scope) if isinstance(node, Comprehension)]
    taken = set(find_taken(scope, frozenset())) if comprehensions else set()
    for node in comprehensions:
        yield from ((node.lineno, name) for name in find_targets(node) & (own | taken))
    # The methods of a class do not see its names.
    visible = defined if isinstance(scope, ast.ClassDef) else own
    for node in walk_own(scope):
        if isinstance(node, Scope):
            yield from _check_scope(node, visible)


@pytest.mark.parametrize("room", ROOMS)
def test_no_variable_of_a_comprehension_has_another_meaning_around_it(room: str) -> None:
    files = sorted((ROOT / room).rglob("*.py"))
    assert files
    found = [(file, *at) for file in files for at in find_shadowed(file.read_text())]
    assert [f"{file.relative_to(ROOT)}:{line}: rename {name}" for file, line, name in found] == []


INLINED = """
def outer():
    def one(x): return x
    def function(items):
        first = [one.real for one in items]
        return {after}
    return function
"""


@pytest.mark.parametrize(
    "after",
    [
        "[one(x) for x in items]",
        "{x: one(x) for x in items}",
        "list(one(x) for x in items)",
        "[(lambda: one(x))() for x in items]",
        "(lambda: one(1))()",
        "one(1)",
        "[one for x in items if one(x)]",
    ],
)
def test_a_helper_that_is_used_in_the_same_function_is_found(after: str) -> None:
    assert find_shadowed(INLINED.replace("{after}", after)) == [(5, "one")]


@pytest.mark.parametrize(
    "source",
    [
        "import one\nfound = [one for one in ()]",
        "from a import b as one\ndef f(): return {one for one in ()}",
        "class one: pass\nasync def f(): return {one: 1 async for one in g()}",
        "one = 1\ndef f():\n    return one, [one for one in ()]",
        "def f():\n    def one(): pass\n    return lambda: [x for x, (one, *_) in ()]",
        "class C:\n    def one(self): pass\n    found = [one for one in ()]",
        "class C:\n    def f(self, one): pass\n    found = [one for one in ()], one",
    ],
)
def test_other_meanings_are_found_wherever_they_come_from(source: str) -> None:
    assert [name for _, name in find_shadowed(source)] == ["one"]


@pytest.mark.parametrize(
    "source",
    [
        "def f(items):\n    for one in items: print(one)\n    return [one for one in items]",
        "def f(items): return [one for one in items], [one + 1 for one in items], (lambda one: one)(1)",
        "class C:\n    def one(self): pass\n    def f(self): return [one for one in self.one()]",
        "def f(items):\n    def g(one): return one\n    return [g(one) for one in items]",
        "def f(items): return [one for group in items for one in group if one]",
        "def f(items): return [last for one in items if (last := one)], last",
        "def f(items):\n    try: pass\n    except OSError as one: print(one)\n    return [one for one in items]",
    ],
)
def test_a_name_with_one_meaning_is_not(source: str) -> None:
    assert find_shadowed(source) == []
