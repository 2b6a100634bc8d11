"""Amazon's multi-channel fulfilment by its Selling Partner API: cancellations go there, and none ever come from it."""
