"""The second backend: any server that speaks OpenAI's API (llama-server, Ollama, LM Studio, vLLM, MLX), over httpx.

`server` says where and with which key, `asking` makes requests of programs, `stream` reads what comes, `client` is the
only module that knows httpx, `trying` decides what is tried again, `known` remembers what servers can, and `backend`
puts them together behind the engine's interface."""
