"""The server around the pages: what is ready before the first visit, and what a fault tells a visitor."""

from __future__ import annotations

import gc
import logging
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio.to_thread
import streamlit as st
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

# PyTorch's idle threads would otherwise spin, which makes every forward several times slower as soon as two
# visitors' run at once. It is read when torch is first imported, which is after this module.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

logger = logging.getLogger(__name__)


@asynccontextmanager
async def warm(_app: st.App) -> AsyncIterator[None]:
    """Load torch and the default model before the server answers: the first paint waits for neither."""
    # Imported here because Streamlit's caches belong to the runtime, which starts with the app.
    from explorer.memory import keep_freed_memory
    from pages import cache, jobs

    # Bounded for all visitors together: 256 MiB in the main heap, and 64 MiB in each of three more.
    keep_freed_memory(heaps=4)
    await anyio.to_thread.run_sync(cache.warm)
    # Streamlit collects garbage after every run of a page, all generations. What is here now stays: to look
    # at it each time would stop all visitors for an eighth of a second, and that twice a second while one of
    # them watches a picture form.
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        jobs.end_all()


def apologise(error: Exception) -> bool:
    """Tell the visitor in a sentence; the traceback goes to the log only."""
    logger.error("a page failed", exc_info=error)
    st.error(
        "This could not be shown because of a fault in the explorer. Choose another page, layer or picture; "
        "yours is still there. The server's log has the details.",
        icon="⚠️",
    )
    return True


def _not_here(_request: Request) -> Response:
    """Answer the browser that looks for the server below a page's own address, `/layer/_stcore/health`.

    On a deep link Streamlit's client tries that before `/_stcore/health`. Any answer that is not 2xx sends it
    on; a 404 would also stand as an error in the visitor's console, 300 without a location does not.
    """
    return Response(status_code=300)


def _sheet(request: Request) -> Response:
    """A sheet of a gallery of visualizations."""
    # Imported here for the same reason as above.
    from pages import galleries

    return galleries.serve(request.path_params["sha256"])


# A sheet's address is relative to any page, also where the app is served below a path of its own.
routes = [Route("/{page}/_stcore/{part}", _not_here), Route("/{below:path}sheets/{sha256}.webp", _sheet)]
