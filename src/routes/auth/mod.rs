//! `/api/auth`: from a password to a token, and back; `/api/setup`: the first admin.

mod cookie;
mod device;
mod email;
mod login;
mod logins;
mod logout;
mod methods;
mod oauth;
mod passkeys;
mod password;
mod refresh;
mod register;
mod second_step;
mod setup;
mod signed_in;
mod step_up;
pub mod tokens;
mod two_factor;
mod validate;

pub use step_up::{StepUp, wrong_password};

use super::api::{Api, at};

pub fn configure(api: &mut Api) {
    api.add(at("/api/auth/methods").get(methods::show_methods, methods::declare_show_methods))
        .add(at("/api/auth/email/verify").post(email::verify_email, email::declare_verify_email))
        .add(
            at("/api/auth/email/verification")
                .post(email::send_verification, email::declare_send_verification),
        )
        .add(
            at("/api/auth/password/forgot")
                .post(password::forget_password, password::declare_forget_password),
        )
        .add(
            at("/api/auth/password/reset")
                .post(password::reset_password, password::declare_reset_password),
        )
        .add(at("/api/auth/register").post(register::register, register::declare_register))
        .add(at("/api/auth/login").post(login::log_in, login::declare_log_in))
        .add(at("/api/auth/login/enroll").post(
            second_step::enroll_by_ticket,
            second_step::declare_enroll_by_ticket,
        ))
        .add(at("/api/auth/login/second").post(
            second_step::log_in_second,
            second_step::declare_log_in_second,
        ))
        .add(at("/api/auth/refresh").post(refresh::refresh, refresh::declare_refresh))
        .add(at("/api/auth/logout").post(logout::log_out, logout::declare_log_out))
        .add(at("/api/auth/validate").post(validate::validate, validate::declare_validate))
        .add(
            at("/api/auth/logins")
                .get(logins::list_logins, logins::declare_list_logins)
                .delete(logins::end_other_logins, logins::declare_end_other_logins),
        )
        .add(at("/api/auth/logins/{id}").delete(logins::end_login, logins::declare_end_login))
        .add(
            at("/api/auth/tokens")
                .get(tokens::list_tokens, tokens::declare_list_tokens)
                .post(tokens::create_token, tokens::declare_create_token),
        )
        .add(at("/api/auth/tokens/{id}").delete(tokens::delete_token, tokens::declare_delete_token))
        .add(
            at("/api/setup")
                .get(setup::show_setup, setup::declare_show_setup)
                .post(setup::set_up, setup::declare_set_up),
        );
    two_factor::configure(api);
    oauth::configure(api);
    passkeys::configure(api);
}
