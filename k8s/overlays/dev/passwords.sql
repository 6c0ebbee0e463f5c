-- Passwords of the try-out, as in kustomization.yaml. SPDX-License-Identifier: Apache-2.0
ALTER ROLE millrace_ingestion PASSWORD 'millrace';
ALTER ROLE millrace_cleaning PASSWORD 'millrace';
ALTER ROLE millrace_features PASSWORD 'millrace';
ALTER ROLE millrace_training PASSWORD 'millrace';
ALTER ROLE millrace_scoring PASSWORD 'millrace';
ALTER ROLE millrace_monitoring PASSWORD 'millrace';
ALTER ROLE millrace_operator PASSWORD 'millrace';
