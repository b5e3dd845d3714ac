"""What all tables are listed in, and the columns that several of them have."""

from sqlalchemy import MetaData

from fastgw.usage import Usage

METADATA = MetaData()

BUCKETS = Usage.__struct_fields__
"""Columns of what was used, in the order of `Usage`: buckets of tokens, and searches."""
