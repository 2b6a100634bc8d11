"""How a person is told: by e-mail or by webhook. Thin: what is told and when is decided elsewhere."""
