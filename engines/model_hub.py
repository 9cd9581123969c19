"""Whether a model that is not here can come from the hub. Blocking: it belongs in a worker thread.

Asked before the libraries that load a model: where nobody answers, they ask again for half a minute.
"""

from __future__ import annotations

from pathlib import Path

from .errors import EngineError

_FILE = "config.json"


def check_within_reach(model: str) -> None:
    """Refuses a model that is neither here nor to be had; what the hub says of one is left to who loads it.

    Args:
        model: A folder, or a name on the hub.

    Raises:
        EngineError: There is no such folder, nothing of it is in the cache, and the hub does not answer.
    """
    if Path(model).exists():
        return
    from huggingface_hub import constants, get_hf_file_metadata, hf_hub_url
    from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled

    # Of any revision, and be it a part: how to go on with that is the libraries' affair.
    if (Path(constants.HF_HUB_CACHE) / "--".join(["models", *model.split("/")])).exists():
        return
    try:
        # In the time that the libraries give to each of their attempts.
        get_hf_file_metadata(hf_hub_url(model, _FILE), timeout=constants.HF_HUB_ETAG_TIMEOUT)
    except HfHubHTTPError:
        return
    except OfflineModeIsEnabled as error:
        raise _not_here(model, "HF_HUB_OFFLINE lets nobody ask the hub") from error
    except Exception as error:  # Whatever its client, and what that stands on, raise.
        raise _not_here(model, f"the hub cannot be reached ({type(error).__name__})") from error


def _not_here(model: str, why: str) -> EngineError:
    return EngineError(
        f"there is no folder {model}, the hub's cache has no such model, and {why}: check the name"
    )
