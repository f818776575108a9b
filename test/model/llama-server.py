"""Serves a GGUF file by llama.cpp's own HTTP server until its standard input ends.

Usage: llama-server.py FILE ALIAS
"""

import sys

import xllamacpp

params = xllamacpp.CommonParams()
params.model.path = sys.argv[1]
params.model_alias = {sys.argv[2]}
params.n_ctx = 2048
params.n_parallel = 2
params.port = 0
params.cpuparams.n_threads = 1
server = xllamacpp.Server(params)
print(f"listening on {server.listening_address}", flush=True)
sys.stdin.read()
