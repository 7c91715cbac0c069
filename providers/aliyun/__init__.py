"""Alibaba Cloud: a thin client over its SDK, one file a product, plain dataclasses in and out."""
