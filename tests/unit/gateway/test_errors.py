"""Every error stands under the one root, where the tree in the docstring says."""

from __future__ import annotations

import inspect

import gateway.errors as subject


def test_the_tree_names_every_error() -> None:
    """The drawing in the docstring is complete."""
    classes = [
        value
        for value in vars(subject).values()
        if inspect.isclass(value) and issubclass(value, Exception)
    ]
    assert classes
    for error in classes:
        assert issubclass(error, subject.GatewayError)
        assert error.__name__ in (subject.__doc__ or "")


def test_no_error_needs_its_repr_to_be_understood() -> None:
    """The text is a sentence made of the facts."""
    assert str(subject.AddressInUse("0.0.0.0", 8080)) == (
        "port 8080 on 0.0.0.0 is taken; GATEWAY_PORT moves it"
    )
    assert str(subject.KeyFileError("k", "gone")) == "keys file k: gone"
    assert "key new" in str(subject.NobodyMayPublish())
    assert str(subject.Overloaded(9)).startswith("there is room for 9 publishes")
    assert str(subject.MalformedBody("it is bad", limit=3)) == "it is bad (the limit is 3)"
