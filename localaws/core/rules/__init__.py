"""The rules engine's decisions: from a rule's SQL and a message to what its actions would do.

Owns the SQL subset (`grammar`, `statement`, `expression`, `functions`), rules as `CreateTopicRule`
gives them (`rule`, `action`, `template`) and their outcome as values. Does not run actions
(`localaws.rules_engine` does) and keeps no rules: they live in moto, which `CreateTopicRule` wrote.

Known differences from AWS:

* The subset is what `grammar` and `functions` list. A rule outside it is refused when it is made,
  with what is not supported in the message: never ignored, never half understood.
* `SELECT *` alone hands the payload on byte for byte; AWS may write JSON anew.
* A substitution template that is Undefined fails its action; what AWS puts there is not documented.
* Decimals leave as JSON numbers of double precision; AWS keeps 34 digits.

Source: aws-iot-facts 6; IoT developer guide, "AWS IoT SQL reference".
"""
