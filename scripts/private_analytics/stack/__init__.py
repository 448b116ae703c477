"""The infrastructure as one CloudFormation stack: its template from parts, its code as zip files, and change sets with words."""
