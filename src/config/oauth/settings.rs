use secrecy::SecretString;

use super::issuers::IssuersFound;

/// What is no secret of the providers with a name of their own.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Signing in elsewhere")]
pub struct OauthSettings {
    /// Where Google, GitHub and Facebook send people back to. By default /api/auth/oauth/callback of
    /// the own origin. Each issuer has an address beside it, /api/auth/oauth/NAME/callback. With
    /// {provider} in it each of all has its own.
    #[arg(long, env = "OAUTH_REDIRECT_URL", global = true)]
    pub oauth_redirect_url: Option<String>,

    /// Authorities, PEM, that providers' certificates may come from, beside the system's and the
    /// public ones.
    #[arg(long, env = "OAUTH_CA_PATH", global = true)]
    pub oauth_ca_path: Option<String>,

    /// What Google calls this server; with GOOGLE_CLIENT_SECRET people sign in with Google.
    #[arg(long, env = "GOOGLE_CLIENT_ID", global = true)]
    pub google_client_id: Option<String>,

    /// Google's issuer of ID tokens.
    #[arg(
        long,
        env = "GOOGLE_ISSUER",
        global = true,
        default_value = super::GOOGLE_ISSUER
    )]
    pub google_issuer: String,

    /// What GitHub calls this server; with GITHUB_CLIENT_SECRET people sign in with GitHub.
    #[arg(long, env = "GITHUB_CLIENT_ID", global = true)]
    pub github_client_id: Option<String>,

    /// GitHub, or one's own GitHub Enterprise Server.
    #[arg(long, env = "GITHUB_URL", global = true, default_value = super::GITHUB_URL)]
    pub github_url: String,

    /// Where GitHub answers programs. By default https://api.github.com, or /api/v3 of GITHUB_URL.
    #[arg(long, env = "GITHUB_API_URL", global = true)]
    pub github_api_url: Option<String>,

    /// What Facebook calls this server; with FACEBOOK_CLIENT_SECRET people sign in with Facebook.
    #[arg(long, env = "FACEBOOK_CLIENT_ID", global = true)]
    pub facebook_client_id: Option<String>,

    /// Where people sign in to Facebook.
    #[arg(
        long,
        env = "FACEBOOK_URL",
        global = true,
        default_value = super::FACEBOOK_URL
    )]
    pub facebook_url: String,

    /// Where Facebook answers programs.
    #[arg(
        long,
        env = "FACEBOOK_GRAPH_URL",
        global = true,
        default_value = super::FACEBOOK_GRAPH_URL
    )]
    pub facebook_graph_url: String,
}

/// What the environment alone says of providers: secrets, and the issuers, whose names are open.
#[derive(Clone, Debug, Default)]
pub struct OauthSecrets {
    pub google: Option<SecretString>,
    pub github: Option<SecretString>,
    pub facebook: Option<SecretString>,
    pub issuers: IssuersFound,
}
