//! The ways in which a right ends, and the expected effects of each.

use serde_json::{Value, json};

use crate::support::{Client, PASSWORD};

/// How a right is ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum How {
    /// The bearer revokes the access token.
    GiveUpAccess,
    /// The bearer revokes the refresh token.
    GiveUpRefresh,
    /// A refresh token is used twice: its login counts as stolen.
    ReuseRefresh,
    LogOut,
    EndFromElsewhere,
    LogOutElsewhere,
    LogOutEverywhere,
    AdminRevokes,
    AdminEndsLogin,
    AdminLogsOut,
    AdminSuspends,
    AdminChangesRole,
}

/// The expected effects.
pub(super) struct End {
    pub(super) how: How,
    /// The notice to live sessions, and their close code.
    pub(super) told: (&'static str, u16),
    /// How later handshakes are refused, on `/ws` and on `/socket.io/`.
    pub(super) refused: (&'static str, &'static str),
    /// Whether the user's other login remains.
    pub(super) other_stays: bool,
    /// Whether the refresh token is void, too.
    pub(super) refresh_dies: bool,
}

const fn end(how: How, other_stays: bool, refresh_dies: bool) -> End {
    let (told, refused) = (("token_revoked", 4001), ("4001", "invalid token"));
    End { how, told, refused, other_stays, refresh_dies }
}

pub(super) const ENDS: &[End] = &[
    end(How::GiveUpAccess, true, false),
    end(How::GiveUpRefresh, true, true),
    end(How::ReuseRefresh, true, true),
    end(How::LogOut, true, true),
    end(How::EndFromElsewhere, true, true),
    end(How::LogOutElsewhere, true, true),
    end(How::LogOutEverywhere, false, true),
    end(How::AdminRevokes, true, false),
    end(How::AdminEndsLogin, true, true),
    end(How::AdminLogsOut, false, true),
    End {
        told: ("user_unknown_or_inactive", 4002),
        refused: ("4002", "user unknown or inactive; do not reconnect"),
        ..end(How::AdminSuspends, false, true)
    },
    end(How::AdminChangesRole, false, true),
];

/// A user with two logins.
pub(super) struct Victim {
    anyone: Client,
    pub(super) id: String,
    email: String,
    login: String,
    /// The tokens of the login that ends.
    pub(super) tokens: Value,
    /// A client of the other login.
    pub(super) other: Client,
}

impl Victim {
    pub(super) async fn register(anyone: &Client, name: &str) -> Self {
        let email = format!("{name}@example.com");
        let form = json!({"email": email, "password": PASSWORD, "role": "consumer"});
        let other = anyone.post("/auth/register", form).await.ok();
        let form = json!({"email": email, "password": PASSWORD});
        let tokens = anyone.post("/auth/token", form).await.ok();
        let logins = client(anyone, &tokens).get("/auth/sessions").await.ok();
        Self {
            anyone: anyone.clone(),
            id: tokens["user"]["id"].as_str().unwrap().to_owned(),
            email,
            login: logins["items"][0]["id"].as_str().unwrap().to_owned(),
            other: client(anyone, &other),
            tokens,
        }
    }

    pub(super) fn client(&self) -> Client {
        client(&self.anyone, &self.tokens)
    }

    pub(super) async fn refresh(&self) -> u16 {
        let form = json!({"refresh_token": self.tokens["refresh_token"]});
        self.anyone.post("/auth/refresh", form).await.status
    }

    pub(super) async fn log_in(&self) -> u16 {
        let form = json!({"email": self.email, "password": PASSWORD});
        self.anyone.post("/auth/token", form).await.status
    }

    /// Ends the right; `root` is an admin.
    pub(super) async fn end(&self, how: How, root: &Client) {
        let user = |rest: &str| format!("/admin/users/{}/{rest}", self.id);
        let token = |name: &str| json!({"token": self.tokens[name]});
        let answer = match how {
            How::GiveUpAccess => self.anyone.post("/auth/revoke", token("access_token")).await,
            How::GiveUpRefresh => self.anyone.post("/auth/revoke", token("refresh_token")).await,
            How::ReuseRefresh => {
                let form = json!({"refresh_token": self.tokens["refresh_token"]});
                let next = self.anyone.post("/auth/refresh", form).await.ok();
                client(&self.anyone, &next).get("/auth/me").await.ok();
                assert_eq!(self.refresh().await, 401);
                return;
            }
            How::LogOut => self.client().post("/auth/logout", Value::Null).await,
            How::EndFromElsewhere => self.other.delete(&format!("/auth/sessions/{}", self.login)).await,
            How::LogOutElsewhere => self.other.delete("/auth/sessions?keep_current=true").await,
            How::LogOutEverywhere => self.other.delete("/auth/sessions").await,
            How::AdminRevokes => root.post("/admin/tokens/revoke", token("access_token")).await,
            How::AdminEndsLogin => root.delete(&format!("/admin/logins/{}", self.login)).await,
            How::AdminLogsOut => root.post(&user("log-out"), Value::Null).await,
            How::AdminSuspends => root.post(&user("suspend"), json!({"reason": "spam"})).await,
            How::AdminChangesRole => root.put(&user("role"), json!({"role": "provider"})).await,
        };
        answer.ok();
    }
}

fn client(anyone: &Client, tokens: &Value) -> Client {
    anyone.with_token(tokens["access_token"].as_str().unwrap())
}
