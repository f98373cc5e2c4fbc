//! What the fake AWS does and moto does not: signatures, IAM, sessions, faults, quotas, counting.

mod faults;
mod iam;
mod quotas;
mod sessions;
mod signatures;
mod web_identity;

use crate::aws_sdk;
use crate::support::aws::account::{Account, Keys};
use crate::support::aws::{Aws, DEFAULT_REGION};

const ACCOUNT: &str = "111122223333";

/// An AWS with an account that has the secret `db`.
fn aws() -> (Aws, Account) {
    let aws = Aws::start();
    let account = aws.account(ACCOUNT);
    account.secret("db", r#"{"user": "admin"}"#);
    (aws, account)
}

fn client(aws: &Aws, keys: &Keys) -> aws_sdk_secretsmanager::Client {
    aws_sdk::secrets_manager(&aws.url(), DEFAULT_REGION, keys)
}

/// The code of reading the secret `id`, or `none`.
async fn read(client: &aws_sdk_secretsmanager::Client, id: &str) -> String {
    aws_sdk::code(&client.get_secret_value().secret_id(id).send().await).to_owned()
}
