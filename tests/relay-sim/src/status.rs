//! `/api/status`: what a site says of itself to everybody (controller/misc.go GetStatus of each).

use serde_json::{Value, json};

use crate::answer::Answer;
use crate::kind::{Fork, Generation};
use crate::site::{Call, VERSION};

impl Call<'_> {
    pub(crate) fn status(&self) -> Answer {
        let mut data = self.common_status();
        if let Some(fork) = self.state.options.fork.filter(|fork| fork.is_hub()) {
            return Answer::data(self.hub_status(fork));
        }
        let more = match self.state.generation {
            Generation::OneApi => one_api(),
            Generation::April2025 => new_api(self),
            Generation::Cookie | Generation::Jwt => {
                let mut all = new_api(self);
                merge(&mut all, masked_eras(self));
                if let Some(fields) = all.as_object_mut() {
                    // Gone since 2025: the top-up page asks for them itself.
                    for old in ["min_topup", "enable_online_topup", "top_up_link"] {
                        fields.remove(old);
                    }
                }
                all
            }
        };
        merge(&mut data, more);
        if self.state.is(Fork::Veloera) {
            data["check_in_enabled"] = json!(self.state.options.check_in);
        }
        Answer::data(data)
    }

    fn common_status(&self) -> Value {
        let options = &self.state.options;
        json!({
            "version": VERSION, "start_time": self.state.started, "system_name": options.name,
            "server_address": self.state.base, "logo": "", "footer_html": "",
            "email_verification": false, "github_oauth": false, "github_client_id": "",
            "oidc_client_id": "", "oidc_authorization_endpoint": "", "wechat_login": false,
            "wechat_qrcode": "", "turnstile_check": options.turnstile,
            "turnstile_site_key": if options.turnstile { "0x4AAAAAAADummySiteKey" } else { "" },
            "quota_per_unit": options.quota_per_unit,
            "display_in_currency": options.display_in_currency,
        })
    }
}

fn one_api() -> Value {
    json!({
        "lark_client_id": "", "chat_link": "", "top_up_link": "", "oidc": false, "oidc_well_known": "",
        "oidc_token_endpoint": "", "oidc_userinfo_endpoint": "",
    })
}

fn new_api(call: &Call<'_>) -> Value {
    let masked = call.state.generation.masks();
    let lobe = "https://chat-preview.lobehub.com/?settings={\"keyVaults\":{\"openai\":{\"apiKey\":\"{key}\",\"baseURL\":\"{address}/v1\"}}}";
    let chats = if masked {
        json!([
            {"Cherry Studio": "cherrystudio://providers/api-keys?v=1&data={cherryConfig}"},
            {"CC Switch": "ccswitch"}, {"Lobe Chat 官方示例": lobe},
        ])
    } else {
        json!([{"Lobe Chat 官方示例": lobe}])
    };
    json!({
        "chats": chats, "data_export_default_time": "hour", "default_collapse_sidebar": false,
        "demo_site_enabled": false, "docs_link": "https://docs.newapi.pro",
        "enable_batch_update": false, "enable_data_export": true, "enable_drawing": true,
        "enable_online_topup": false, "enable_task": true, "linuxdo_client_id": "",
        "linuxdo_oauth": false, "min_topup": 1, "mj_notify_enabled": false,
        "oidc_enabled": false, "price": 7.3, "self_use_mode_enabled": false, "setup": true,
        "telegram_bot_name": "", "telegram_oauth": false, "top_up_link": "",
    })
}

fn masked_eras(call: &Call<'_>) -> Value {
    let options = &call.state.options;
    let jwt = call.state.generation == Generation::Jwt;
    let mut data = json!({
        "HeaderNavModules": "", "SidebarModulesAdmin": "", "announcements": [],
        "announcements_enabled": true, "api_info": [], "api_info_enabled": true,
        "checkin_enabled": options.check_in, "custom_currency_exchange_rate": options.custom_rate,
        "custom_currency_symbol": options.custom_symbol, "default_use_auto_group": false,
        "discord_client_id": "", "discord_oauth": false, "faq": [], "faq_enabled": true,
        "linuxdo_minimum_trust_level": 0, "passkey_allow_insecure": false,
        "passkey_attachment": "", "passkey_display_name": options.name, "passkey_login": false,
        "passkey_origins": call.state.origin, "passkey_rp_id": "127.0.0.1",
        "passkey_user_verification": "preferred", "password_login_enabled": options.password_login,
        "password_register_enabled": true, "privacy_policy_enabled": false,
        "quota_display_type": options.unit.word(), "register_enabled": true,
        "stripe_unit_price": 8, "theme": if jwt { "default" } else { "classic" },
        "uptime_kuma_enabled": true, "usd_exchange_rate": 7.3, "user_agreement_enabled": false,
    });
    if jwt {
        data["oidc_display_name"] = json!("OIDC");
    }
    data
}

fn merge(into: &mut Value, from: Value) {
    if let (Some(into), Value::Object(from)) = (into.as_object_mut(), from) {
        into.extend(from);
    }
}
