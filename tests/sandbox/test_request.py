"""What the sandbox reads of a request."""

import pytest

from fastgw.sandbox.request import BadRequest, Message, Part, media_of, read, text_of


def test_reads_what_it_acts_upon_and_ignores_the_rest() -> None:
    chat = read(b'{"model":"echo","messages":[{"role":"user","content":"x","name":"y"}],"future":{"a":[1]}}')
    assert (chat.model, chat.messages, chat.stream) == ("echo", [Message("user", "x")], None)


@pytest.mark.parametrize(
    ("body", "param"),
    [
        (b'{"messages":[{"role":"user"}]}', None),
        (b'{"model":"echo","messages":[{"role":"user"},{"role":7}]}', "messages[1].role"),
        (b'{"model":"echo","messages":[{"role":"user"}],"n":0}', "n"),
        (b'{"model":"echo","messages":[{"role":"user"}],"n":17}', "n"),
        (b'{"model":"echo","messages":[{"role":"user"}],"stream":"yes"}', "stream"),
    ],
)
def test_names_the_place_of_a_mistake(body: bytes, param: str | None) -> None:
    with pytest.raises(BadRequest) as caught:
        read(body)
    assert caught.value.param == param


def test_joins_the_text_of_parts_and_counts_the_others() -> None:
    message = Message("user", [Part("text", "a"), Part("image_url"), Part("text", "b"), Part("input_audio")])
    assert (text_of(message), media_of(message)) == ("a\nb", 2)
    assert (text_of(Message("user")), media_of(Message("user"))) == ("", 0)
