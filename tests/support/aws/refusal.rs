//! Refusals that both services have, each under its own code and status.

use super::error::AwsError;
use super::operation::Service;

pub(super) fn unknown_operation(service: Service, name: &str) -> AwsError {
    match service {
        Service::SecretsManager => AwsError::new(400, "UnknownOperationException", ""),
        Service::Sts => AwsError::new(
            400,
            "InvalidAction",
            format!("Could not find operation {name} for version 2011-06-15"),
        ),
    }
}

pub(super) fn throttled(service: Service) -> AwsError {
    let code = match service {
        Service::SecretsManager => "ThrottlingException",
        Service::Sts => "Throttling",
    };
    AwsError::new(400, code, "Rate exceeded")
}

pub(super) fn server_error(service: Service) -> AwsError {
    let code = match service {
        Service::SecretsManager => "InternalServiceError",
        Service::Sts => "InternalFailure",
    };
    AwsError::new(500, code, "An error occurred on the server side.")
}

pub(super) fn not_signed(service: Service) -> AwsError {
    let message = "Request is missing Authentication Token";
    match service {
        Service::SecretsManager => AwsError::new(400, "MissingAuthenticationTokenException", message),
        Service::Sts => AwsError::new(403, "MissingAuthenticationToken", message),
    }
}

pub(super) fn unknown_key(service: Service) -> AwsError {
    let message = "The security token included in the request is invalid.";
    match service {
        Service::SecretsManager => AwsError::new(400, "UnrecognizedClientException", message),
        Service::Sts => AwsError::new(403, "InvalidClientTokenId", message),
    }
}

pub(super) fn wrong_signature(service: Service) -> AwsError {
    signature(
        service,
        "The request signature we calculated does not match the signature you provided. Check your AWS Secret \
         Access Key and signing method. Consult the service documentation for details.",
    )
}

pub(super) fn old_signature(service: Service) -> AwsError {
    signature(service, "Signature expired: the clock of the signer is more than five minutes off.")
}

fn signature(service: Service, message: &str) -> AwsError {
    match service {
        Service::SecretsManager => AwsError::new(400, "InvalidSignatureException", message),
        Service::Sts => AwsError::new(403, "SignatureDoesNotMatch", message),
    }
}

pub(super) fn expired(service: Service) -> AwsError {
    let message = "The security token included in the request is expired";
    match service {
        Service::SecretsManager => AwsError::new(400, "ExpiredTokenException", message),
        Service::Sts => AwsError::new(403, "ExpiredToken", message),
    }
}
