"""Amounts, price book, charges and ledger rules."""
