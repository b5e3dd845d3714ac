"""The hub: what every dialect's questions and answers have in common, as values. Dialects meet here, nowhere else.

A question is a `Conversation`; an answer is a sequence of events, whether it came whole or as a stream. Each dialect
has one decoder and one encoder for each of the two, behind the interfaces in `dialect`.
"""
