"""Every store platform's bench, by kind. A further platform is one line more here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Final

from tests.contract.store.amazon_bench import open_amazon
from tests.contract.store.magento_bench import open_sandbox
from tests.contract.store.shopify_bench import open_shopify
from tests.contract.store.store_bench import BoxBench
from tests.contract.store.woocommerce_bench import open_woocommerce

BENCHES: Final[Mapping[str, Callable[[], AbstractAsyncContextManager[BoxBench]]]] = {
    "amazon": open_amazon,
    "magento": open_sandbox,
    "shopify": open_shopify,
    "woocommerce": open_woocommerce,
}
