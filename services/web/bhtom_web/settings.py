"""The settings of the web service."""

from bhtom_runtime.settings import ServiceSettings


class WebSettings(ServiceSettings):
    """Where the services are, and how long a page waits for them."""

    port: int = 8105
    api_timeout_s: float = 15.0
    health_timeout_s: float = 4.0
