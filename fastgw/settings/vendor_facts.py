"""What the settings need to know of a vendor. `fastgw.providers.VENDORS` fits; settings, a leaf, cannot import it."""

from collections.abc import Mapping
from typing import Protocol


class VendorFacts(Protocol):
    """A vendor as far as configuration goes."""

    @property
    def name(self) -> str:
        """As in `provider/model`."""

    @property
    def env_prefix(self) -> str:
        """`OPENAI` for `OPENAI_API_KEY` and `OPENAI_BASE_URL`; empty when no variables turn this vendor on."""

    @property
    def base_url(self) -> str:
        """With the version path, without a trailing slash; empty when the operator must give one."""

    @property
    def needs_credential(self) -> bool:
        """Whether a provider of this vendor is useless without a secret."""

    @property
    def lists_models(self) -> bool:
        """Whether it says at run time which models it has."""

    @property
    def models(self) -> tuple[str, ...]:
        """Models it is known to have in any case."""


Vendors = Mapping[str, VendorFacts]
"""By name, in the order in which variables turn providers on."""

SANDBOX = "sandbox"
"""Name of the built-in vendor, configured when there is no other."""
COMPATIBLE = "openai_compatible"
"""Name of the vendor that stands for any OpenAI-compatible URL."""
