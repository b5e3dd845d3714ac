"""What the settings need to know of a vendor. `fastgw.providers.VENDORS` fits; settings, a leaf, cannot import it."""

from collections.abc import Mapping
from typing import Any, Protocol


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
        """With the version path, without a trailing slash; empty when the operator must give one. `{region}`,
        `{project}` and `{resource}` stand for settings of the provider."""

    @property
    def regions(self) -> dict[str, str]:
        """Base URLs of other regions; `global` is what counts when none is chosen."""

    @property
    def dialects(self) -> tuple[str, ...]:
        """Names of all dialects in which a server can be asked."""

    @property
    def takes_api_version(self) -> bool:
        """Whether the operator has to choose a version of the API."""

    def ability_mistake(self, name: str, value: Any) -> tuple[str, str] | None:
        """What is wrong with one entry of `abilities`, and the remedy; None if nothing is."""

    def secret_mistake(self, secret: str) -> tuple[str, str] | None:
        """What is wrong with the form of a secret, and the remedy; None if nothing is."""

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
