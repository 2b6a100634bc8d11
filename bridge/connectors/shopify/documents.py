"""Every GraphQL document that is sent to Shopify. Each is held against the official schema by a test.

A whole order in one document with its refunds' rows would cost more points than one query may (1,000, by the sizes
asked for and not by what comes); so the rows of refunds are read one refund at a time: there are rarely more than two.
The rows of fulfilment orders likewise, where units are to go back to stock.
"""

from __future__ import annotations

from typing import Final

PINNED: Final = "2026-10"
"""The stable version that these documents are written for."""
WITHOUT_JOB_RESULT: Final = "2026-07"
"""The older version that still works: its `orderCancel` names a job alone."""
NAMESPACE: Final = "$app:tts"
KEY: Final = "order_id"
"""The metafield that holds TikTok's order id: owned by the app, of type `id`, unique."""

_MONEY = "{ shopMoney { amount currencyCode } }"

ABOUT: Final = """
query About {
  publicApiVersions { handle supported }
  shop { name myshopifyDomain currencyCode }
  currentAppInstallation { id accessScopes { handle } }
}
"""

_WORK = """
    id status requestStatus assignedLocation { location { id } }
    fulfillmentHolds { id handle heldByRequestingApp }
"""
LISTED_AT_ONCE: Final = 50
"""Refunds, transactions and fulfilments of one order: lists without pages."""

_ORDER: Final = f"""
fragment OrderFields on Order {{
  id legacyResourceId name createdAt updatedAt currencyCode
  cancelledAt cancelReason cancellation {{ staffNote }} closed
  displayFinancialStatus displayFulfillmentStatus returnStatus
  sourceName sourceIdentifier tags note customAttributes {{ key value }}
  totalPriceSet {_MONEY}
  totalReceivedSet {_MONEY}
  totalRefundedSet {_MONEY}
  metafield(namespace: "{NAMESPACE}", key: "{KEY}") {{ value }}
  lineItems(first: 50) {{
    nodes {{ id sku quantity currentQuantity unfulfilledQuantity originalUnitPriceSet {_MONEY} }}
    pageInfo {{ hasNextPage endCursor }}
  }}
  refunds(first: {LISTED_AT_ONCE}) {{ id createdAt updatedAt note totalRefundedSet {_MONEY} }}
  transactions(first: {LISTED_AT_ONCE}) {{ id kind status gateway manualPaymentGateway amountSet {_MONEY} }}
  fulfillments(first: {LISTED_AT_ONCE}) {{ id status }}
  fulfillmentOrders(first: 20) {{ nodes {{ {_WORK} }} pageInfo {{ hasNextPage endCursor }} }}
}}
"""
ORDER: Final = "query Order($id: ID!) { order(id: $id) { ...OrderFields } }" + _ORDER
ROWS: Final = f"""
query Rows($id: ID!, $after: String) {{
  order(id: $id) {{
    lineItems(first: 100, after: $after) {{
      nodes {{ id sku quantity currentQuantity unfulfilledQuantity originalUnitPriceSet {_MONEY} }}
      pageInfo {{ hasNextPage endCursor }}
    }}
  }}
}}
"""
WORKS: Final = f"""
query Works($id: ID!, $after: String) {{
  order(id: $id) {{
    fulfillmentOrders(first: 100, after: $after) {{ nodes {{ {_WORK} }} pageInfo {{ hasNextPage endCursor }} }}
  }}
}}
"""
REFUND_ROWS: Final = f"""
query RefundRows($id: ID!, $after: String) {{
  node(id: $id) {{
    ... on Refund {{
      refundLineItems(first: 100, after: $after) {{
        nodes {{ quantity restockType lineItem {{ id }} subtotalSet {_MONEY} totalTaxSet {_MONEY} }}
        pageInfo {{ hasNextPage endCursor }}
      }}
    }}
  }}
}}
"""
WORK_ROWS: Final = """
query WorkRows($id: ID!, $after: String) {
  node(id: $id) {
    ... on FulfillmentOrder {
      lineItems(first: 100, after: $after) {
        nodes { remainingQuantity lineItem { id } }
        pageInfo { hasNextPage endCursor }
      }
    }
  }
}
"""

_NAMED: Final = """
      id legacyResourceId name updatedAt createdAt sourceIdentifier tags note customAttributes { key value }
"""
BY_IDENTIFIER: Final = """
query ByIdentifier($identifier: OrderIdentifierInput!) { orderByIdentifier(identifier: $identifier) { id } }
"""
FIND: Final = f"""
query FindOrders($q: String!, $after: String) {{
  orders(first: 50, after: $after, query: $q, sortKey: ID) {{
    nodes {{ {_NAMED} }}
    pageInfo {{ hasNextPage endCursor }}
  }}
}}
"""
CHANGED: Final = f"""
query Changed($q: String!, $after: String) {{
  orders(first: 100, after: $after, query: $q, sortKey: ID) {{
    nodes {{ {_NAMED} metafield(namespace: "{NAMESPACE}", key: "{KEY}") {{ value }} }}
    pageInfo {{ hasNextPage endCursor }}
  }}
}}
"""
NEWEST: Final = """
query Newest { orders(first: 1, sortKey: UPDATED_AT, reverse: true) { nodes { id updatedAt } } }
"""
VARIANTS: Final = """
query Variants($q: String!, $after: String) {
  productVariants(first: 100, after: $after, query: $q) {
    nodes { id sku title inventoryQuantity }
    pageInfo { hasNextPage endCursor }
  }
}
"""

ORDER_CREATE: Final = """
mutation CreateOrder($order: OrderCreateOrderInput!, $options: OrderCreateOptionsInput) {
  orderCreate(order: $order, options: $options) {
    order { id legacyResourceId name }
    userErrors { field message code }
  }
}
"""
_CANCEL_ARGUMENTS = """
  orderCancel(
    orderId: $orderId, refundMethod: $refundMethod, restock: $restock, reason: $reason, notifyCustomer: $notify,
    staffNote: $note
  )
"""
_CANCEL_VARIABLES = """
  $orderId: ID!, $refundMethod: OrderCancelRefundMethodInput, $restock: Boolean!, $reason: OrderCancelReason!,
  $notify: Boolean, $note: String
"""
CANCEL: Final = f"""
mutation OrderCancel({_CANCEL_VARIABLES}) {{
  {_CANCEL_ARGUMENTS} {{
    job {{ id done }}
    jobResult {{ id done status errors {{ field message code }} }}
    orderCancelUserErrors {{ field message code }}
  }}
}}
"""
CANCEL_OLD: Final = f"""
mutation OrderCancel({_CANCEL_VARIABLES}) {{
  {_CANCEL_ARGUMENTS} {{ job {{ id done }} orderCancelUserErrors {{ field message code }} }}
}}
"""
JOB_RESULT: Final = """
query CancelJob($id: ID!) {
  node(id: $id) { ... on OrderCancelJobResult { id done status errors { field message code } order { cancelledAt } } }
}
"""
JOB: Final = """
query Job($id: ID!, $order: ID!) { job(id: $id) { id done } order(id: $order) { cancelledAt } }
"""
SUGGESTED: Final = f"""
query Suggested($id: ID!, $lines: [RefundLineItemInput!], $shipping: Boolean) {{
  order(id: $id) {{
    suggestedRefund(refundLineItems: $lines, refundShipping: $shipping) {{
      amountSet {_MONEY}
      suggestedTransactions {{ gateway kind amountSet {_MONEY} parentTransaction {{ id }} }}
    }}
  }}
}}
"""
REFUND: Final = """
mutation Refund($input: RefundInput!, $key: String!) {
  refundCreate(input: $input) @idempotent(key: $key) {
    refund { id }
    userErrors { field message }
  }
}
"""

HOLD: Final = """
mutation Hold($id: ID!, $hold: FulfillmentOrderHoldInput!) {
  fulfillmentOrderHold(id: $id, fulfillmentHold: $hold) {
    fulfillmentHold { id }
    userErrors { field message code }
  }
}
"""
RELEASE: Final = """
mutation Release($id: ID!, $holds: [ID!]) {
  fulfillmentOrderReleaseHold(id: $id, holdIds: $holds) { userErrors { field message code } }
}
"""

WEBHOOKS: Final = """
query Webhooks($after: String) {
  webhookSubscriptions(first: 100, after: $after) {
    nodes { id topic uri name }
    pageInfo { hasNextPage endCursor }
  }
}
"""
WEBHOOK: Final = """
mutation Webhook($topic: WebhookSubscriptionTopic!, $sub: WebhookSubscriptionInput!) {
  webhookSubscriptionCreate(topic: $topic, webhookSubscription: $sub) {
    webhookSubscription { id topic uri }
    userErrors { field message }
  }
}
"""
DEFINITION: Final = """
mutation Definition($definition: MetafieldDefinitionInput!) {
  metafieldDefinitionCreate(definition: $definition) {
    createdDefinition { id }
    userErrors { field message code }
  }
}
"""

ALL: Final = {
    name: value
    for name, value in dict(globals()).items()
    if name.isupper() and isinstance(value, str) and value.strip().startswith(("query", "mutation"))
}
"""Name → document."""
