"""TLS and principals; accepted and described, while only PLAINTEXT listeners are served."""

from __future__ import annotations

from kafkapy.config.define import (
    LOW,
    MEDIUM,
    PER_BROKER,
    Config,
    boolean,
    java_class,
    long,
    names,
    password,
    string,
)
from kafkapy.config.rule import (
    at_least,
    items,
    one_of,
)


class SecurityKeys(Config):
    """Keys of a broker: security."""

    connections_max_reauth_ms = long(
        "connections.max.reauth.ms",
        0,
        MEDIUM,
        "How long a SASL session lasts before the client must authenticate again; 0 for ever.",
    )
    security_providers = string("security.providers", None, LOW, "Classes that bring security algorithms.")
    principal_builder_class = java_class(
        "principal.builder.class",
        "org.apache.kafka.common.security.authenticator.DefaultKafkaPrincipalBuilder",
        MEDIUM,
        "Class that says who a connection belongs to.",
        scope=PER_BROKER,
    )
    ssl_client_auth = string(
        "ssl.client.auth",
        "none",
        MEDIUM,
        "Whether clients must show a certificate: required, requested or none.",
        one_of("required", "requested", "none"),
        PER_BROKER,
    )
    ssl_principal_mapping_rules = string(
        "ssl.principal.mapping.rules", "DEFAULT", LOW, "How a certificate's name becomes a user name."
    )
    ssl_allow_dn_changes = boolean(
        "ssl.allow.dn.changes", False, LOW, "Whether a new certificate may have another name than the one it replaces."
    )
    ssl_allow_san_changes = boolean(
        "ssl.allow.san.changes",
        False,
        LOW,
        "Whether a new certificate may drop alternative names of the one it replaces.",
    )
    ssl_protocol = string(
        "ssl.protocol", "TLSv1.3", MEDIUM, "TLS version that connections start from.", scope=PER_BROKER
    )
    ssl_provider = string("ssl.provider", None, MEDIUM, "Provider of the TLS implementation.", scope=PER_BROKER)
    ssl_enabled_protocols = names(
        "ssl.enabled.protocols",
        ("TLSv1.2", "TLSv1.3"),
        MEDIUM,
        "TLS versions that connections may use.",
        items(),
        PER_BROKER,
    )
    ssl_keystore_type = string(
        "ssl.keystore.type", "JKS", MEDIUM, "Format of the key store: JKS, PKCS12 or PEM.", scope=PER_BROKER
    )
    ssl_keystore_location = string("ssl.keystore.location", None, MEDIUM, "File of the key store.", scope=PER_BROKER)
    ssl_keystore_password = password(
        "ssl.keystore.password", MEDIUM, "Password of the key store file.", scope=PER_BROKER
    )
    ssl_key_password = password("ssl.key.password", MEDIUM, "Password of the private key.", scope=PER_BROKER)
    ssl_keystore_key = password("ssl.keystore.key", MEDIUM, "Private key itself, as PEM.", scope=PER_BROKER)
    ssl_keystore_certificate_chain = password(
        "ssl.keystore.certificate.chain", MEDIUM, "Certificate chain itself, as PEM.", scope=PER_BROKER
    )
    ssl_truststore_type = string(
        "ssl.truststore.type", "JKS", MEDIUM, "Format of the trust store: JKS, PKCS12 or PEM.", scope=PER_BROKER
    )
    ssl_truststore_location = string(
        "ssl.truststore.location", None, MEDIUM, "File of the trust store.", scope=PER_BROKER
    )
    ssl_truststore_password = password(
        "ssl.truststore.password", MEDIUM, "Password of the trust store file.", scope=PER_BROKER
    )
    ssl_truststore_certificates = password(
        "ssl.truststore.certificates", MEDIUM, "Trusted certificates themselves, as PEM.", scope=PER_BROKER
    )
    ssl_keymanager_algorithm = string(
        "ssl.keymanager.algorithm", "SunX509", MEDIUM, "Algorithm that picks keys.", scope=PER_BROKER
    )
    ssl_trustmanager_algorithm = string(
        "ssl.trustmanager.algorithm", "PKIX", MEDIUM, "Algorithm that decides whom to trust.", scope=PER_BROKER
    )
    ssl_endpoint_identification_algorithm = string(
        "ssl.endpoint.identification.algorithm",
        "https",
        LOW,
        "How a server's name is checked against its certificate; empty for not at all.",
        scope=PER_BROKER,
    )
    ssl_secure_random_implementation = string(
        "ssl.secure.random.implementation", None, LOW, "Source of randomness for TLS.", scope=PER_BROKER
    )
    ssl_cipher_suites = names(
        "ssl.cipher.suites",
        (),
        MEDIUM,
        "Cipher suites that may be used; empty for all that the platform allows.",
        items(),
        PER_BROKER,
    )
    ssl_engine_factory_class = java_class(
        "ssl.engine.factory.class", None, LOW, "Class that makes TLS engines.", scope=PER_BROKER
    )
    delegation_token_secret_key = password(
        "delegation.token.secret.key", MEDIUM, "Secret that signs delegation tokens; unset switches them off."
    )
    delegation_token_max_lifetime_ms = long(
        "delegation.token.max.lifetime.ms",
        604_800_000,
        MEDIUM,
        "Age at which a delegation token can no longer be renewed.",
        at_least(1),
    )
    delegation_token_expiry_time_ms = long(
        "delegation.token.expiry.time.ms",
        86_400_000,
        MEDIUM,
        "How long a delegation token is valid before it must be renewed.",
        at_least(1),
    )
    delegation_token_expiry_check_interval_ms = long(
        "delegation.token.expiry.check.interval.ms",
        3_600_000,
        LOW,
        "How often expired delegation tokens are removed.",
        at_least(1),
    )
