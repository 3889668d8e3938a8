"""What outlives the hub of an update: the bundle and how far the campaign is, in the data directory.

Knows: two files, replaced by renaming. Must not know: what is done with them.
"""

from __future__ import annotations

import json
import logging
from pathlib import Path

from edge.durable import write_whole
from edge.update.bundle import Bundle, BundleFileError, read_bundle
from edge.update.campaign import Campaign, load_campaign

_BUNDLE, _CAMPAIGN = "update.gate", "update.json"
_log = logging.getLogger(__name__)


class UpdateMemory:
    """Everything in `directory`; saving raises OSError."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def load(self) -> tuple[Campaign | None, Bundle | None]:
        """The campaign of the hub before, with its bundle; none when there was none or it cannot be gone on with."""
        try:
            campaign = load_campaign(json.loads((self._directory / _CAMPAIGN).read_text(encoding="utf-8")))
            bundle = read_bundle(self._directory / _BUNDLE)
        except FileNotFoundError:
            return None, None
        except (OSError, ValueError, BundleFileError) as error:
            _log.error("the update of before cannot be gone on with (%s); begin it again", error)
            return None, None
        if bundle.sha256 != campaign.bundle:
            _log.error("the update of before is without its bundle; begin it again")
            return None, None
        return campaign, bundle

    def keep_bundle(self, bundle: Bundle) -> None:
        """A copy of its own: the technician's file may go with his memory stick."""
        write_whole(self._directory / _BUNDLE, bundle.data)

    def save(self, campaign: Campaign) -> None:
        """How far it is."""
        write_whole(self._directory / _CAMPAIGN, json.dumps(campaign.save()).encode())
