from tsmon import route_of


def test_a_route_is_made_from_method_and_resource() -> None:
    assert route_of("GET", "/version") == "GET:/version"
