"""WooCommerce by its REST API (wc/v3)."""
