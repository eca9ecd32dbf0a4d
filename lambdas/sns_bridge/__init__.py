"""The SNS bridge: messages of SNS topics in, by way of SQS queues, publishes to IoT topics out.

`handler` is the entry point; `batch` is one invocation; `sqs_record`, `route` and `publication` are
pure; `iot` is the one place that reaches AWS. Why there are queues between SNS and this function:
docs/decisions/0012-sns-bridges.md.

Source: Lambda developer guide, "Using Lambda with Amazon SQS"; SNS developer guide, "Amazon SNS
message and JSON formats".
"""
