from tsmon import format_route


def test_a_route_is_formatted_from_method_and_resource() -> None:
    assert format_route("GET", "/version") == "GET:/version"
