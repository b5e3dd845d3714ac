"""A whole gateway with a real model on this machine: a leaf program that starts the parts as processes.

`python -m fastgw.demo` runs it; `python -m fastgw.demo.model` serves the model alone. The gateway's other rooms know
nothing of it, and it reaches them only as a user would: by the command line and over HTTP.
"""
