"""What `status` knows, as metrics: one table, written as Prometheus text or handed to OpenTelemetry."""
