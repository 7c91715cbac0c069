"""Amazon Web Services: a thin client over boto3, with plain dataclasses in and out."""
