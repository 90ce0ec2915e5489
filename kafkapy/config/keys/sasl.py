"""SASL, Kerberos and OAuth; accepted and described, while only PLAINTEXT listeners are served."""

from __future__ import annotations

from kafkapy.config.define import (
    HIGH,
    LOW,
    MEDIUM,
    PER_BROKER,
    Config,
    boolean,
    double,
    integer,
    java_class,
    long,
    names,
    password,
    short,
    string,
)
from kafkapy.config.rule import (
    between,
    items,
    one_of_any_case,
)


class SaslKeys(Config):
    """Keys of a broker: sasl."""

    sasl_server_max_receive_size = integer(
        "sasl.server.max.receive.size", 524_288, MEDIUM, "Largest message while authenticating."
    )
    sasl_mechanism_inter_broker_protocol = string(
        "sasl.mechanism.inter.broker.protocol", "GSSAPI", MEDIUM, "SASL mechanism between brokers.", scope=PER_BROKER
    )
    sasl_enabled_mechanisms = names(
        "sasl.enabled.mechanisms", ("GSSAPI",), MEDIUM, "SASL mechanisms that clients may use.", items(), PER_BROKER
    )
    sasl_server_callback_handler_class = java_class(
        "sasl.server.callback.handler.class", None, MEDIUM, "Class that checks credentials."
    )
    sasl_client_callback_handler_class = java_class(
        "sasl.client.callback.handler.class",
        None,
        MEDIUM,
        "Class that provides credentials for connections this broker opens.",
    )
    sasl_login_class = java_class("sasl.login.class", None, MEDIUM, "Class that logs this broker in.")
    sasl_login_callback_handler_class = java_class(
        "sasl.login.callback.handler.class", None, MEDIUM, "Class that provides credentials for that login."
    )
    sasl_jaas_config = password(
        "sasl.jaas.config", MEDIUM, "Login module and its options, in JAAS notation.", scope=PER_BROKER
    )
    sasl_kerberos_principal_to_local_rules = names(
        "sasl.kerberos.principal.to.local.rules",
        ("DEFAULT",),
        MEDIUM,
        "How Kerberos principals become user names.",
        items(),
        PER_BROKER,
    )
    sasl_kerberos_service_name = string(
        "sasl.kerberos.service.name", None, MEDIUM, "Kerberos service name of the brokers.", scope=PER_BROKER
    )
    sasl_kerberos_kinit_cmd = string(
        "sasl.kerberos.kinit.cmd", "/usr/bin/kinit", MEDIUM, "Path of kinit.", scope=PER_BROKER
    )
    sasl_kerberos_ticket_renew_window_factor = double(
        "sasl.kerberos.ticket.renew.window.factor",
        0.8,
        MEDIUM,
        "Share of a ticket's life after which it is renewed.",
        scope=PER_BROKER,
    )
    sasl_kerberos_ticket_renew_jitter = double(
        "sasl.kerberos.ticket.renew.jitter",
        0.05,
        MEDIUM,
        "Share of the renewal time that is left to chance.",
        scope=PER_BROKER,
    )
    sasl_kerberos_min_time_before_relogin = long(
        "sasl.kerberos.min.time.before.relogin", 60_000, MEDIUM, "Shortest time between two logins.", scope=PER_BROKER
    )
    sasl_login_refresh_window_factor = double(
        "sasl.login.refresh.window.factor",
        0.8,
        MEDIUM,
        "Share of a credential's life after which it is refreshed.",
        scope=PER_BROKER,
    )
    sasl_login_refresh_window_jitter = double(
        "sasl.login.refresh.window.jitter", 0.05, MEDIUM, "Share of that life added at random.", scope=PER_BROKER
    )
    sasl_login_refresh_min_period_seconds = short(
        "sasl.login.refresh.min.period.seconds",
        60,
        MEDIUM,
        "Shortest wait before a credential is refreshed.",
        scope=PER_BROKER,
    )
    sasl_login_refresh_buffer_seconds = short(
        "sasl.login.refresh.buffer.seconds",
        300,
        MEDIUM,
        "How long before its end a credential is refreshed at the latest.",
        scope=PER_BROKER,
    )
    sasl_login_connect_timeout_ms = integer(
        "sasl.login.connect.timeout.ms", None, LOW, "How long connecting to the provider of tokens may take."
    )
    sasl_login_read_timeout_ms = integer(
        "sasl.login.read.timeout.ms", None, LOW, "How long reading from the provider of tokens may take."
    )
    sasl_login_retry_backoff_max_ms = long(
        "sasl.login.retry.backoff.max.ms", 10_000, LOW, "Longest pause between attempts to log in."
    )
    sasl_login_retry_backoff_ms = long(
        "sasl.login.retry.backoff.ms", 100, LOW, "First pause between attempts to log in."
    )
    sasl_oauthbearer_jwt_retriever_class = java_class(
        "sasl.oauthbearer.jwt.retriever.class",
        "org.apache.kafka.common.security.oauthbearer.DefaultJwtRetriever",
        MEDIUM,
        "Class that gets tokens.",
    )
    sasl_oauthbearer_jwt_validator_class = java_class(
        "sasl.oauthbearer.jwt.validator.class",
        "org.apache.kafka.common.security.oauthbearer.DefaultJwtValidator",
        MEDIUM,
        "Class that checks tokens.",
    )
    sasl_oauthbearer_scope = string("sasl.oauthbearer.scope", None, MEDIUM, "Scope to ask for when getting a token.")
    sasl_oauthbearer_client_credentials_client_id = string(
        "sasl.oauthbearer.client.credentials.client.id", None, MEDIUM, "Id to get a token with."
    )
    sasl_oauthbearer_client_credentials_client_secret = password(
        "sasl.oauthbearer.client.credentials.client.secret", MEDIUM, "Secret to get a token with."
    )
    sasl_oauthbearer_assertion_algorithm = string(
        "sasl.oauthbearer.assertion.algorithm",
        "RS256",
        MEDIUM,
        "Algorithm an assertion is signed with: RS256 or ES256.",
        one_of_any_case("ES256", "RS256"),
    )
    sasl_oauthbearer_assertion_claim_aud = string(
        "sasl.oauthbearer.assertion.claim.aud", None, MEDIUM, "Audience an assertion is for."
    )
    sasl_oauthbearer_assertion_claim_exp_seconds = integer(
        "sasl.oauthbearer.assertion.claim.exp.seconds", 300, LOW, "How long an assertion is valid.", between(0, 86_400)
    )
    sasl_oauthbearer_assertion_claim_iss = string(
        "sasl.oauthbearer.assertion.claim.iss", None, MEDIUM, "Who issues an assertion."
    )
    sasl_oauthbearer_assertion_claim_jti_include = boolean(
        "sasl.oauthbearer.assertion.claim.jti.include", False, MEDIUM, "Whether an assertion carries an id of its own."
    )
    sasl_oauthbearer_assertion_claim_nbf_seconds = integer(
        "sasl.oauthbearer.assertion.claim.nbf.seconds",
        60,
        LOW,
        "How long before its making an assertion is already valid.",
        between(0, 3600),
    )
    sasl_oauthbearer_assertion_claim_sub = string(
        "sasl.oauthbearer.assertion.claim.sub", None, MEDIUM, "Whom an assertion is about."
    )
    sasl_oauthbearer_assertion_file = string(
        "sasl.oauthbearer.assertion.file", None, MEDIUM, "File with a finished assertion."
    )
    sasl_oauthbearer_assertion_private_key_file = string(
        "sasl.oauthbearer.assertion.private.key.file", None, MEDIUM, "File with the key that signs assertions."
    )
    sasl_oauthbearer_assertion_private_key_passphrase = password(
        "sasl.oauthbearer.assertion.private.key.passphrase", MEDIUM, "Passphrase of that key."
    )
    sasl_oauthbearer_assertion_template_file = string(
        "sasl.oauthbearer.assertion.template.file",
        None,
        MEDIUM,
        "File with headers and claims to begin an assertion from.",
    )
    sasl_oauthbearer_scope_claim_name = string(
        "sasl.oauthbearer.scope.claim.name", "scope", LOW, "Claim that holds a token's scope."
    )
    sasl_oauthbearer_sub_claim_name = string(
        "sasl.oauthbearer.sub.claim.name", "sub", LOW, "Claim that holds a token's subject."
    )
    sasl_oauthbearer_token_endpoint_url = string(
        "sasl.oauthbearer.token.endpoint.url", None, MEDIUM, "Where tokens are got."
    )
    sasl_oauthbearer_jwks_endpoint_url = string(
        "sasl.oauthbearer.jwks.endpoint.url", None, MEDIUM, "Where the keys that verify tokens are got."
    )
    sasl_oauthbearer_jwks_endpoint_refresh_ms = long(
        "sasl.oauthbearer.jwks.endpoint.refresh.ms", 3_600_000, LOW, "How often those keys are got again."
    )
    sasl_oauthbearer_jwks_endpoint_retry_backoff_ms = long(
        "sasl.oauthbearer.jwks.endpoint.retry.backoff.ms", 100, LOW, "First pause between attempts to get them."
    )
    sasl_oauthbearer_jwks_endpoint_retry_backoff_max_ms = long(
        "sasl.oauthbearer.jwks.endpoint.retry.backoff.max.ms",
        10_000,
        LOW,
        "Longest pause between attempts to get them.",
    )
    sasl_oauthbearer_clock_skew_seconds = integer(
        "sasl.oauthbearer.clock.skew.seconds", 30, LOW, "How far clocks may differ when a token's times are checked."
    )
    sasl_oauthbearer_expected_audience = names(
        "sasl.oauthbearer.expected.audience", (), HIGH, "Audiences of which a token must have one.", items()
    )
    sasl_oauthbearer_expected_issuer = string(
        "sasl.oauthbearer.expected.issuer", None, HIGH, "Issuer a token must have."
    )
