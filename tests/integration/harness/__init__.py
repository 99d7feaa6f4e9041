"""What the integration tests stand on: processes, keys, packets, clients, upstreams."""
