//! Every code in the list is one that a test provokes, or one that is left out for a reason.

use std::{fs, path::Path};

use parlor::protocol::code::{CloseCode, ErrorCode};

/// The test that provokes it, or why none does.
enum Provoked {
    By(&'static str),
    Not(&'static str),
}

use Provoked::{By, Not};

/// A new code does not compile until it has a place here.
const fn error(code: ErrorCode) -> Provoked {
    match code {
        ErrorCode::Unauthenticated => By("nothing_is_done_for_nobody"),
        ErrorCode::TokenExpiring => By("a_token_that_ends_is_announced_and_closes_the_socket"),
        ErrorCode::Forbidden | ErrorCode::NotFound | ErrorCode::NotConnected => {
            By("what_is_not_the_callers_is_refused")
        }
        ErrorCode::InvalidFrame | ErrorCode::UnknownType | ErrorCode::InvalidContent => {
            By("frames_that_make_no_sense_are_refused_one_by_one")
        }
        ErrorCode::MethodNotAllowed | ErrorCode::BadRequest => {
            By("what_is_no_handshake_is_refused_and_ends_its_connection")
        }
        ErrorCode::RateLimited => By("messages_are_limited_over_socket_and_rest_together"),
        ErrorCode::Overloaded => By("an_overloaded_room_says_so_and_when_to_come_back"),
        ErrorCode::Unavailable => By("a_message_that_cannot_be_stored_is_unavailable"),
        ErrorCode::ClientMessageIdConflict => By("a_repeat_is_the_same_message_over_every_path"),
        ErrorCode::ValidationFailed
        | ErrorCode::RequestTimeout
        | ErrorCode::PayloadTooLarge
        | ErrorCode::UnsupportedMediaType
        | ErrorCode::EmailTaken
        | ErrorCode::UsernameTaken
        | ErrorCode::RoomExists
        | ErrorCode::RoleExists
        | ErrorCode::RoleInUse
        | ErrorCode::BuiltInRole
        | ErrorCode::TooMany
        | ErrorCode::LastAdmin
        | ErrorCode::RegistrationClosed
        | ErrorCode::InvalidSetupToken
        | ErrorCode::AdminExists
        | ErrorCode::WrongCode
        | ErrorCode::TicketEnded
        | ErrorCode::NotEnrolled
        | ErrorCode::SecondFactorRequired
        | ErrorCode::IdentityTaken
        | ErrorCode::EmailInUse
        | ErrorCode::OauthDenied
        | ErrorCode::OauthExpired
        | ErrorCode::OauthFailed
        | ErrorCode::InvalidLink
        | ErrorCode::EmailVerified
        | ErrorCode::NotAvailable
        | ErrorCode::PasskeysUnavailable
        | ErrorCode::PasskeyTaken
        | ErrorCode::LoginTooOld
        | ErrorCode::OtherAccount
        | ErrorCode::LastWayIn => Not("of requests over REST; no frame can cause it"),
        ErrorCode::Internal => Not("a fault of the server, which no input may cause"),
    }
}

const fn close(code: CloseCode) -> Provoked {
    By(match code {
        CloseCode::Normal => "a_close_is_answered_with_its_own_code",
        CloseCode::ProtocolError => "bytes_that_are_no_frames_are_a_protocol_error",
        CloseCode::Unsupported => "binary_is_not_understood",
        CloseCode::InvalidText => "text_must_be_utf8_whole_or_in_pieces",
        CloseCode::TooLarge => "a_message_over_64_kib_is_refused",
        CloseCode::Shutdown => "sockets_are_asked_to_come_back_and_closed_in_time",
        CloseCode::RoomRestarted => "members_of_a_room_that_died_come_back_and_have_lost_nothing",
        CloseCode::ReplayFailed => "a_replay_that_cannot_be_read_closes_the_socket",
        CloseCode::TokenExpired => "a_bad_token_in_a_frame_closes_the_socket",
        CloseCode::SlowConsumer => "a_slow_reader_is_closed_and_the_others_go_on",
        CloseCode::NoPong => "whoever_answers_no_ping_is_closed",
        CloseCode::Flooding => "a_flood_of_any_frames_closes_the_socket",
        CloseCode::BadToken => "a_logout_closes_its_own_sockets_and_everywhere_all",
        CloseCode::BadFrames => "ten_frames_that_are_no_json_end_the_socket",
        CloseCode::AuthorizationTimeout => "a_socket_without_a_token_is_closed_in_time",
        CloseCode::AccountClosed => "a_deactivated_user_is_disconnected_and_hears_nothing_more",
        CloseCode::TooManyConnections => "a_user_may_have_so_many_sockets_and_no_more",
    })
}

#[test]
fn every_code_is_provoked_or_left_out_for_a_reason() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/api");
    let mut sources = String::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "rs") {
            sources.push_str(&fs::read_to_string(path).unwrap());
        }
    }
    let errors = ErrorCode::ALL
        .iter()
        .map(|code| (code.as_str(), error(*code)));
    let closes = CloseCode::ALL
        .iter()
        .map(|code| (code.as_str(), close(*code)));
    for (code, provoked) in errors.chain(closes) {
        match provoked {
            By(test) => {
                let there = sources.contains(&format!("async fn {test}()"));
                assert!(there, "{code}: no test {test}");
            }
            Not(reason) => assert!(!reason.is_empty()),
        }
    }
}
