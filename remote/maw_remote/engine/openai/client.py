"""HTTP to a server: the only module here that knows httpx.

No proxy of the environment is used and no redirect followed: what is sent goes to the address that was set. The key is
in no message and in no log.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator

import httpx

from maw.config.load import BackendSettings
from maw_remote.engine.interface import EngineError
from maw_remote.engine.openai import server, stream, trying
from maw_remote.engine.openai.stream import Chunk, Json
from maw_remote.engine.openai.trying import Failure, Unanswered

BODY_MAX = 64 << 20  # bytes of an answer that is no stream
_ERROR_MAX = 64 << 10


class Client:
    """Connections to one server."""

    def __init__(self, settings: BackendSettings, connect_timeout: float) -> None:
        self.settings = settings
        timeout = httpx.Timeout(settings.timeout, connect=connect_timeout, pool=None)
        # A connection is used once: one that a server closed meanwhile would look like an answer that broke.
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=0)
        self._http = httpx.AsyncClient(timeout=timeout, limits=limits, trust_env=False, follow_redirects=False)
        self._checked_until = 0.0
        self._name = f"{settings.name} at {server.origin(settings.url)}"

    async def close(self) -> None:
        await self._http.aclose()

    async def get(self, path: str, *, above: bool = False) -> Json:
        """A JSON object that the server has. `above`: not below /v1. Raises EngineError and Unanswered."""
        base = self.settings.url.removesuffix("/v1") if above else self.settings.url
        return await self._whole(self._http.build_request("GET", base + path, headers=await self._headers()))

    async def post(self, path: str, body: Json) -> Json:
        """A whole answer. Raises EngineError and Unanswered."""
        request = self._http.build_request("POST", self.settings.url + path, json=body, headers=await self._headers())
        return await self._whole(request)

    async def stream(self, path: str, body: Json) -> AsyncIterator[Chunk]:
        """An answer's chunks as they come. Closing it ends the connection, by which servers know to stop.
        Raises Unanswered before the first chunk, EngineError later."""
        request = self._http.build_request("POST", self.settings.url + path, json=body, headers=await self._headers())
        async with self._sent(request) as response:
            kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
            if kind == "application/json":  # it does not stream
                yield self._chunk(await self._body(response, BODY_MAX))
            elif kind == "text/event-stream":
                async for chunk in self._events(response):
                    yield chunk
            else:
                raise self._garbage(f"{kind[:40] or 'no content type'}, which is no answer of a model")

    async def _events(self, response: httpx.Response) -> AsyncIterator[Chunk]:
        events, finished = stream.Events(), False
        try:
            # A server that only keeps the connection alive is silent all the same.
            async with asyncio.timeout(self.settings.timeout) as silence:
                async for data in response.aiter_bytes():
                    for event in events.feed(data):
                        chunk = self._checked(stream.chunk(event))
                        finished |= chunk.finish is not None
                        silence.reschedule(asyncio.get_running_loop().time() + self.settings.timeout)
                        yield chunk
                    if events.done:
                        return
        except TimeoutError:
            raise self._silent() from None
        except httpx.HTTPError as exc:
            raise self._lost(exc) from exc
        except stream.Garbage as exc:
            raise self._garbage(str(exc)) from exc
        if not finished:
            raise EngineError("server_lost", f"{self._name} ended its answer in the middle", retry=True)

    @contextlib.asynccontextmanager
    async def _sent(self, request: httpx.Request) -> AsyncIterator[httpx.Response]:
        await self._check_private()
        try:
            response = await self._http.send(request, stream=True)
        except (httpx.ConnectError, httpx.ConnectTimeout) as exc:
            raise Unanswered(Failure("unreachable"), self._unreachable(exc)) from exc
        except httpx.ReadTimeout:
            raise self._silent() from None
        except (httpx.HTTPError, httpx.InvalidURL) as exc:
            raise self._lost(exc) from exc
        try:
            if response.status_code != 200:
                raise await self._refusal(response)
            yield response
        finally:
            await response.aclose()

    async def _whole(self, request: httpx.Request) -> Json:
        async with self._sent(request) as response:
            try:
                async with asyncio.timeout(self.settings.timeout):
                    return await self._body(response, BODY_MAX)
            except TimeoutError:
                raise self._silent() from None

    async def _body(self, response: httpx.Response, limit: int) -> Json:
        data = b""
        try:
            async for piece in response.aiter_bytes():
                data += piece
                if len(data) > limit:
                    raise self._garbage("more than any answer holds")
            return stream.decode(data)
        except httpx.HTTPError as exc:
            raise self._lost(exc) from exc
        except stream.Garbage as exc:
            raise self._garbage(str(exc)) from exc

    async def _refusal(self, response: httpx.Response) -> Unanswered:
        status = response.status_code
        try:
            said = stream.error_text(await self._body(response, _ERROR_MAX))
        except EngineError:
            said = "no reason given"
        message = f"{self._name} answered {status}: {said}"
        if status in (429, 503):
            wait = trying.retry_after(response.headers.get("retry-after"))
            return Unanswered(Failure("busy", wait), EngineError("server_busy", message, retry=True))
        if status >= 500:
            return Unanswered(Failure("failed"), EngineError("server_failed", message, retry=True))
        return Unanswered(Failure("refused"), _refused(status, message))

    async def _headers(self) -> dict[str, str]:
        key = await asyncio.to_thread(server.key, self.settings) if self.settings.keyring else server.key(self.settings)
        return {"authorization": f"Bearer {key}"} if key else {}

    async def _check_private(self) -> None:
        """Now and then: a name may come to mean another address."""
        if time.monotonic() >= self._checked_until:
            await asyncio.to_thread(server.check_private, self.settings)
            self._checked_until = time.monotonic() + 60.0

    def _chunk(self, data: Json) -> Chunk:
        try:
            return self._checked(stream.chunk(data))
        except stream.Garbage as exc:
            raise self._garbage(str(exc)) from exc

    def _checked(self, chunk: Chunk) -> Chunk:
        if chunk.error is not None:
            raise EngineError("server_failed", f"{self._name}: {chunk.error}", retry=True)
        return chunk

    def _unreachable(self, exc: Exception) -> EngineError:
        why = "did not accept a connection in time" if isinstance(exc, httpx.ConnectTimeout) else "refuses connections"
        return EngineError(
            "server_unreachable", f"{self._name} {why}", hint="is it running? backends.NAME.url says where", retry=True
        )

    def _silent(self) -> EngineError:
        limit = f"{self.settings.timeout:g} s"
        hint = "backends.NAME.timeout says how long it may be"
        return EngineError("server_silent", f"{self._name} was silent for {limit}", hint=hint, retry=True)

    def _lost(self, exc: Exception) -> EngineError:
        return EngineError("server_lost", f"the connection to {self._name} broke: {_words(exc)}", retry=True)

    def _garbage(self, what: str) -> EngineError:
        return EngineError("bad_answer", f"{self._name} sent {what}")


def _refused(status: int, message: str) -> EngineError:
    """A key or a model that is missing is no fault of the request: somebody mends it."""
    if status in (401, 403):
        return EngineError("no_key", message, hint="its key: backends.NAME.key_env or .keyring")
    if status == 404:
        return EngineError("model_missing", message, hint="has it the model? backends.NAME.url says where it is asked")
    return EngineError("server_refused", message)


def _words(exc: Exception) -> str:
    return " ".join(str(exc)[:200].split()) or type(exc).__name__
