"""The store's answer that carries the plugin version: `GET /rest/V1/store/storeConfigs`, extended by the plugin since
1.0.6.
"""

from __future__ import annotations

from typing import Any

from pydantic import Field, TypeAdapter, ValidationError, field_validator

from plugin_contract.fields import ContractError, Message

PATH = "/rest/V1/store/storeConfigs"
"""Needs the permission Magento_Backend::store; without it Magento answers 401, as it does for a bad token."""

ALL_PERMISSIONS = "Magento_Backend::all"
PERMISSIONS = (
    "Magento_Backend::store",
    "Magento_Catalog::products",
    "Magento_InventoryApi::source",
    "Magento_InventoryApi::stock",
    "Magento_InventorySalesApi::stock",
    "Magento_Sales::actions",
    "Magento_Sales::actions_view",
    "Magento_Sales::api_actions",
    "Magento_Sales::cancel",
    "Magento_Sales::comment",
    "Magento_Sales::create",
    "Magento_Sales::creditmemo",
    "Magento_Sales::invoice",
    "Magento_Sales::sales",
    "Magento_Sales::sales_creditmemo",
    "Magento_Sales::sales_invoice",
    "Magento_Sales::sales_operation",
    "Magento_Sales::sales_order",
    "Magento_Sales::ship",
)
"""The short list that suffices to create, invoice and refund orders, to read stock and to register webhooks
(measured).
"""


class UnreadableReport(ContractError):
    """The answer is not a list of store configurations."""


class StoreExtension(Message):
    """What the plugin adds to each store configuration."""

    aftership_tiktok: str | None = Field(default=None, description="The version the plugin reports for itself.")
    permissions: str | None = Field(default=None, description="What the calling integration may do, joined by commas.")


class StoreConfig(Message):
    """One store view; only what the contract needs of Magento's own fields."""

    code: str | None = None
    extension_attributes: StoreExtension = Field(default_factory=StoreExtension)

    @field_validator("extension_attributes", mode="before")
    @classmethod
    def _php_empty(cls, value: Any) -> Any:
        return {} if value in ([], None) else value  # PHP writes an empty object as []


class VersionReport(Message):
    """`reported` is None when the plugin is absent or older than 1.0.6; `granted` is empty where nothing is said."""

    reported: str | None
    granted: frozenset[str]

    @property
    def lacking(self) -> tuple[str, ...]:
        """Permissions of the short list that the calling integration was not given; empty where the store does not
        say.
        """
        if not self.granted or ALL_PERMISSIONS in self.granted:
            return ()
        return tuple(name for name in PERMISSIONS if name not in self.granted)


STORE_CONFIGS = TypeAdapter(list[StoreConfig])


def read_report(body: Any) -> VersionReport:
    """Read the parsed JSON of the answer. The version is one for the whole store; every view repeats it.

    Raises UnreadableReport for anything but a list of objects.
    """
    try:
        configs = STORE_CONFIGS.validate_python(body)
    except ValidationError as error:
        raise UnreadableReport(
            f"storeConfigs is not a list of store configurations: {error.error_count()} faults"
        ) from error
    extensions = [config.extension_attributes for config in configs]
    reported = next((one.aftership_tiktok for one in extensions if one.aftership_tiktok), None)
    granted = {name.strip() for one in extensions for name in (one.permissions or "").split(",")} - {""}
    return VersionReport(reported=reported, granted=frozenset(granted))
