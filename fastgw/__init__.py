"""fastgw: one HTTP endpoint in front of every model provider."""
