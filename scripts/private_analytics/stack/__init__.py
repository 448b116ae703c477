"""The infrastructure as one CloudFormation stack: a template from parts, code as zip files, and change sets as text."""
