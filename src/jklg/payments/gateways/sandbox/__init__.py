"""The sandbox gateway: the contract spoken to the play bank (`jklg.sandbox`), over HTTP like any other gateway."""

from jklg.payments.gateways.sandbox.gateway import SandboxGateway

__all__ = ["SandboxGateway"]
