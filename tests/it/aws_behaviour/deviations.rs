//! Where moto differs from AWS, in one list: what AWS answers, and why we think so; and what moto answers.

/// One difference.
pub(super) struct Deviation {
    pub(super) script: &'static str,
    /// The line of the script, which is there once.
    pub(super) command: &'static str,
    pub(super) aws: &'static str,
    pub(super) moto: &'static str,
    /// AWS's page that decides it.
    pub(super) page: &'static str,
}

macro_rules! page {
    ($operation:literal) => {
        concat!("https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_", $operation, ".html")
    };
}

macro_rules! deviations {
    ($($script:literal, $page:expr, { $($command:literal, $aws:literal, $moto:literal;)* })*) => {
        pub(super) const ALL: &[Deviation] =
            &[$($(Deviation { script: $script, command: $command, aws: $aws, moto: $moto, page: $page }),*),*];
    };
}

deviations! {
    // A secret without a value is one of the errors; moto does not catch that refusal in a batch.
    "batch", page!("BatchGetSecretValue"), {
        "BatchGetSecretValue SecretIdList=$a SecretIdList=$empty",
        "SecretValues=[$a=one] Errors=[$empty:ResourceNotFoundException]",
        "refused=ResourceNotFoundException";
    }
    // "You must include Filters or SecretIdList, but not both."
    "batch", page!("BatchGetSecretValue"), {
        "BatchGetSecretValue",
        "refused=InvalidParameterException",
        "SecretValues=[] Errors=[]";
    }
    // Length constraints of the model are checked before the operation; moto has its own check of this one.
    "bounds", page!("PutSecretValue"), {
        "PutSecretValue SecretId=$a SecretString=two ClientRequestToken=short",
        "refused=ValidationException",
        "refused=InvalidParameterException";
    }
    // SecretString: at most 65536.
    "bounds", page!("PutSecretValue"), {
        "PutSecretValue SecretId=$a SecretString=x*65537 ClientRequestToken=t:3",
        "refused=ValidationException",
        "VersionId=t:3 VersionStages=[AWSCURRENT]";
    }
    // "The secret name can contain ASCII letters, numbers, and the following characters: /_+=.@-"; "You must include
    // either SecretBinary or SecretString, but not both."
    "bounds", page!("CreateSecret"), {
        "CreateSecret Name=$a:b SecretString=x",
        "refused=ValidationException",
        "Name=$a:b ARN=arn:eu-central-1:$a:b VersionId=t:?";
        "CreateSecret Name=$both SecretString=x SecretBinary=x",
        "refused=InvalidParameterException",
        "Name=$both ARN=arn:eu-central-1:$both VersionId=t:?";
    }
    // VersionId: at least 32 characters.
    "bounds", page!("GetSecretValue"), {
        "GetSecretValue SecretId=$a VersionId=short",
        "refused=ValidationException",
        "refused=ResourceNotFoundException";
    }
    // InvalidRequestException: "The secret is scheduled for deletion."
    "delete", page!("CreateSecret"), {
        "CreateSecret Name=$a SecretString=again ClientRequestToken=t:9",
        "refused=InvalidRequestException",
        "refused=ResourceExistsException";
    }
    "delete", page!("PutSecretValue"), {
        "PutSecretValue SecretId=$d SecretString=two ClientRequestToken=t:2",
        "refused=InvalidRequestException",
        "VersionId=t:2 VersionStages=[AWSCURRENT]";
    }
    "delete", page!("TagResource"), {
        "TagResource SecretId=$d Tags=k:v",
        "refused=InvalidRequestException",
        "done";
    }
    "delete", page!("UntagResource"), {
        "UntagResource SecretId=$d TagKeys=k",
        "refused=InvalidRequestException",
        "done";
    }
    "delete", page!("GetResourcePolicy"), {
        "GetResourcePolicy SecretId=$d",
        "refused=InvalidRequestException",
        "ARN=arn:eu-central-1:$d";
    }
    "delete", page!("PutResourcePolicy"), {
        "PutResourcePolicy SecretId=$d ResourcePolicy=account",
        "refused=InvalidRequestException",
        "ARN=arn:eu-central-1:$d";
    }
    "delete", page!("UpdateSecretVersionStage"), {
        "UpdateSecretVersionStage SecretId=$d VersionStage=blue MoveToVersionId=t:1",
        "refused=InvalidRequestException",
        "ARN=arn:eu-central-1:$d";
    }
    "delete", page!("ReplicateSecretToRegions"), {
        "ReplicateSecretToRegions SecretId=$d AddReplicaRegions=us-east-1",
        "refused=InvalidRequestException",
        "ReplicationStatus=[us-east-1:InSync]";
    }
    // MaxResults: 1 to 100; InvalidNextTokenException, where moto breaks (HTTP 500).
    "pages", page!("ListSecrets"), {
        "ListSecrets Filters=name:$ MaxResults=0",
        "refused=ValidationException",
        "SecretList=[$1 $2 $3 $4 $5]";
        "ListSecrets Filters=name:$ MaxResults=101",
        "refused=ValidationException",
        "SecretList=[$1 $2 $3 $4 $5]";
        "ListSecrets Filters=name:$ NextToken=nonsense",
        "refused=InvalidNextTokenException",
        "refused=an error without a code";
    }
    // MaxResults: 1 to 20.
    "pages", page!("BatchGetSecretValue"), {
        "BatchGetSecretValue Filters=name:$ MaxResults=21",
        "refused=ValidationException",
        "SecretValues=[$1=x $2=x $3=x $4=x $5=x] Errors=[]";
    }
    // PublicPolicyException, MalformedPolicyDocumentException; moto looks at neither BlockPublicPolicy nor the document.
    "policies", page!("PutResourcePolicy"), {
        "PutResourcePolicy SecretId=$a ResourcePolicy=public BlockPublicPolicy=true",
        "refused=PublicPolicyException",
        "ARN=arn:eu-central-1:$a";
        "PutResourcePolicy SecretId=$a ResourcePolicy=nonsense",
        "refused=MalformedPolicyDocumentException",
        "ARN=arn:eu-central-1:$a";
    }
    // PrimaryRegion: "The Region the secret is in. If a secret is replicated to other Regions, the replicas are listed in
    // ReplicationStatus." moto says it for the replica only.
    "replicas", page!("DescribeSecret"), {
        "DescribeSecret SecretId=$a # with one replica",
        "ARN=arn:eu-central-1:$a PrimaryRegion=eu-central-1 Tags=[] VersionIdsToStages=[t:1:AWSCURRENT] ReplicationStatus=[eu-west-1:InSync]",
        "ARN=arn:eu-central-1:$a Tags=[] VersionIdsToStages=[t:1:AWSCURRENT] ReplicationStatus=[eu-west-1:InSync]";
        "DescribeSecret SecretId=$a # with two replicas",
        "ARN=arn:eu-central-1:$a PrimaryRegion=eu-central-1 Tags=[] VersionIdsToStages=[t:1:AWSCURRENT] ReplicationStatus=[eu-west-1:InSync us-east-1:InSync]",
        "ARN=arn:eu-central-1:$a Tags=[] VersionIdsToStages=[t:1:AWSCURRENT] ReplicationStatus=[eu-west-1:InSync us-east-1:InSync]";
        "DescribeSecret SecretId=$a # with the other replica",
        "ARN=arn:eu-central-1:$a PrimaryRegion=eu-central-1 Tags=[] VersionIdsToStages=[t:1:AWSPREVIOUS t:2:AWSCURRENT] ReplicationStatus=[us-east-1:InSync]",
        "ARN=arn:eu-central-1:$a Tags=[] VersionIdsToStages=[t:1:AWSPREVIOUS t:2:AWSCURRENT] ReplicationStatus=[us-east-1:InSync]";
        "DescribeSecret SecretId=$b",
        "ARN=arn:eu-central-1:$b PrimaryRegion=eu-central-1 Tags=[] VersionIdsToStages=[t:?:AWSCURRENT] ReplicationStatus=[us-east-1:Failed]",
        "ARN=arn:eu-central-1:$b Tags=[] VersionIdsToStages=[t:?:AWSCURRENT] ReplicationStatus=[us-east-1:Failed]";
    }
    // moto has no users unless IAM made them, and names nobody in a form that AWS does not have.
    "sessions", "https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html", {
        "GetCallerIdentity # a user",
        "Account=123456789012 Arn=arn:aws:iam::123456789012:user/admin",
        "Account=123456789012 Arn=arn:aws:sts::123456789012:user/moto";
    }
    // moto asks no role whether it exists or whom it trusts; RoleSessionName: [\w+=,.@-]*; DurationSeconds: at least 900.
    "sessions", "https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html", {
        "AssumeRole RoleArn=arn:aws:iam::123456789012:role/nobody RoleSessionName=keyhatch",
        "refused=AccessDenied",
        "Arn=arn:aws:sts::123456789012:assumed-role/nobody/keyhatch AccessKeyId=ASIA";
        "AssumeRole RoleArn=arn:aws:iam::123456789012:role/reader RoleSessionName=\"with space\"",
        "refused=ValidationError",
        "Arn=arn:aws:sts::123456789012:assumed-role/reader/with space AccessKeyId=ASIA";
        "AssumeRole RoleArn=arn:aws:iam::123456789012:role/reader RoleSessionName=keyhatch DurationSeconds=899",
        "refused=ValidationError",
        "Arn=arn:aws:sts::123456789012:assumed-role/reader/keyhatch AccessKeyId=ASIA";
    }
    // Tag keys: "Do not use the aws: prefix in your tag names or values because AWS reserves it for AWS use."
    "tags", page!("TagResource"), {
        "TagResource SecretId=$a Tags=aws:mine:x",
        "refused=InvalidParameterException",
        "done";
    }
    "tags", page!("UntagResource"), {
        "UntagResource SecretId=$a TagKeys=aws:mine",
        "refused=InvalidParameterException",
        "done";
    }
    // VersionIdsToStages: "A list of the versions of the secret that have staging labels attached."
    "update", page!("DescribeSecret"), {
        "DescribeSecret SecretId=$a # t:1 has no label any more",
        "ARN=arn:eu-central-1:$a Description=second KmsKeyId=alias/two Tags=[] VersionIdsToStages=[t:2:AWSPREVIOUS t:3:AWSCURRENT] ReplicationStatus=[]",
        "ARN=arn:eu-central-1:$a Description=second KmsKeyId=alias/two Tags=[] VersionIdsToStages=[t:1: t:2:AWSPREVIOUS t:3:AWSCURRENT] ReplicationStatus=[]";
    }
    "versions", page!("DescribeSecret"), {
        "DescribeSecret SecretId=$a # t:1 has no label any more",
        "ARN=arn:eu-central-1:$a Tags=[] VersionIdsToStages=[t:2:AWSPREVIOUS t:3:AWSCURRENT] ReplicationStatus=[]",
        "ARN=arn:eu-central-1:$a Tags=[] VersionIdsToStages=[t:1: t:2:AWSPREVIOUS t:3:AWSCURRENT] ReplicationStatus=[]";
    }
    // IncludeDeprecated: "Specifies whether to include versions of secrets that don't have any staging labels attached."
    "versions", page!("ListSecretVersionIds"), {
        "ListSecretVersionIds SecretId=$a",
        "Versions=[t:2:AWSPREVIOUS t:3:AWSCURRENT]",
        "Versions=[t:1: t:2:AWSPREVIOUS t:3:AWSCURRENT]";
    }
}
