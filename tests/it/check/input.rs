//! What of its input `keyhatch check` reads, and takes for ours.

use crate::command::{Ended, keyhatch_with};

fn check(text: &str) -> Ended {
    keyhatch_with(text, &["check", "-"], &[])
}

#[test]
fn a_store_that_cannot_be_read_does_not_hide_the_mistakes_of_its_users() {
    for store in ["{service: SecretManager, region: eu-central-1}", "{service: SecretsManager, region: eu-central-1, prefix: 7}"] {
        let ended = check(&format!(
            "apiVersion: external-secrets.io/v1\nkind: SecretStore\nmetadata: {{name: aws}}\nspec: {{provider: {{aws: {store}}}}}\n---\n\
             apiVersion: external-secrets.io/v1\nkind: ExternalSecret\nmetadata: {{name: app}}\nspec:\n  secretStoreRef: {{name: aws}}\n  \
             data: [{{secretKey: a, remoteRef: {{key: a b, version: uuid/1}}}}]\n"
        ));
        assert_eq!(ended.code, Some(1));
        for rule in ["[secret-key]", "[secret-version]"] {
            assert!(ended.stdout.contains(rule), "{}", ended.stdout);
        }
    }
}
