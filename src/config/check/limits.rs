//! The limits among the settings.

use super::super::{Descriptors, LimitsConfig, Settings, reader::Reader};

/// A million of anything is as good as no limit.
const MOST: u32 = 1_000_000;

pub(super) fn limits(reader: &mut Reader, settings: &Settings) -> LimitsConfig {
    let default = LimitsConfig::default();
    let mut most = |name, text: &str, default| reader.number(name, text, 0..=MOST, default);
    let config = LimitsConfig {
        sockets_per_minute: most(
            "SOCKETS_PER_MINUTE",
            &settings.sockets_per_minute,
            default.sockets_per_minute,
        ),
        messages_per_second: most(
            "MESSAGES_PER_SECOND",
            &settings.messages_per_second,
            default.messages_per_second,
        ),
        room_messages_per_second: most(
            "ROOM_MESSAGES_PER_SECOND",
            &settings.room_messages_per_second,
            default.room_messages_per_second,
        ),
        joins_per_minute: most(
            "JOINS_PER_MINUTE",
            &settings.joins_per_minute,
            default.joins_per_minute,
        ),
        room_joins_per_second: most(
            "ROOM_JOINS_PER_SECOND",
            &settings.room_joins_per_second,
            default.room_joins_per_second,
        ),
        login_attempts_per_minute: most(
            "LOGIN_ATTEMPTS_PER_MINUTE",
            &settings.login_attempts_per_minute,
            default.login_attempts_per_minute,
        ),
        registrations_per_minute: most(
            "REGISTRATIONS_PER_MINUTE",
            &settings.registrations_per_minute,
            default.registrations_per_minute,
        ),
        resets_per_hour: most(
            "RESETS_PER_HOUR",
            &settings.resets_per_hour,
            default.resets_per_hour,
        ),
        refreshes_per_minute: most(
            "REFRESHES_PER_MINUTE",
            &settings.refreshes_per_minute,
            default.refreshes_per_minute,
        ),
        oauth_requests_per_minute: most(
            "OAUTH_REQUESTS_PER_MINUTE",
            &settings.oauth_requests_per_minute,
            default.oauth_requests_per_minute,
        ),
        requests_per_second: most(
            "REQUESTS_PER_SECOND",
            &settings.requests_per_second,
            default.requests_per_second,
        ),
        typing_per_second: most(
            "TYPING_PER_SECOND",
            &settings.typing_per_second,
            default.typing_per_second,
        ),
        room_typing_per_second: most(
            "ROOM_TYPING_PER_SECOND",
            &settings.room_typing_per_second,
            default.room_typing_per_second,
        ),
        ..default
    };
    LimitsConfig {
        max_connections: reader.number(
            "MAX_CONNECTIONS",
            settings.max_connections.as_deref().unwrap_or_default(),
            0..=10_000_000,
            Descriptors::of_process().by_default_for_sockets(),
        ),
        max_connections_per_user: reader.number(
            "MAX_CONNECTIONS_PER_USER",
            &settings.max_connections_per_user,
            0..=1_000_000,
            default.max_connections_per_user,
        ),
        typing: reader.seconds(
            "TYPING_SECONDS",
            &settings.typing_seconds,
            0..=3600,
            default.typing,
        ),
        ..config
    }
}
