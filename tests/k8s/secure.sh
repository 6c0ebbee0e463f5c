# Kafka and PostgreSQL as overlays/production asks for them: TLS with a certificate of an authority of this
# test, users by SCRAM, no right without an ACL or a grant; and the Secrets that go with it. Sourced, never run.
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154

tls=$place/tls
kafka_administrator=admin-of-kafka
declare -A kafka_password postgresql_password
for name in "${services[@]}" operator; do
    kafka_password[$name]=kafka-of-$name postgresql_password[$name]=postgresql-of-$name
done
postgresql_password[reader]=postgresql-of-reader

make_certificates() {
    local log=$place/tls.log
    rm -rf "$tls"
    mkdir -p "$tls"
    {
        openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj "/CN=authority of the test" \
            -addext keyUsage=keyCertSign -keyout "$tls/ca.key" -out "$tls/ca.crt" &&
            openssl req -newkey rsa:2048 -nodes -subj /CN=localhost -keyout "$tls/server.key" -out "$tls/server.csr" &&
            openssl x509 -req -in "$tls/server.csr" -days 30 -CA "$tls/ca.crt" -CAkey "$tls/ca.key" -CAcreateserial \
                -extfile <(echo subjectAltName=DNS:localhost,IP:127.0.0.1) -out "$tls/server.crt"
    } >"$log" 2>&1 || die "openssl made no certificates; see $log"
    cat "$tls/server.key" "$tls/server.crt" "$tls/ca.crt" >"$tls/server.pem"
}

# ---- Kafka
secure_kafka() {
    cat >"$place/kafka.properties" <<PROPERTIES
listener.security.protocol.map=PLAINTEXT:SASL_SSL,CONTROLLER:PLAINTEXT
ssl.keystore.type=PEM
ssl.keystore.location=$tls/server.pem
ssl.truststore.type=PEM
ssl.truststore.location=$tls/ca.crt
sasl.enabled.mechanisms=SCRAM-SHA-512
sasl.mechanism.inter.broker.protocol=SCRAM-SHA-512
listener.name.plaintext.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required username="admin" password="$kafka_administrator";
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:admin;User:ANONYMOUS
allow.everyone.if.no.acl.found=false
PROPERTIES
    cat >"$place/kcat.conf" <<CONF
security.protocol=sasl_ssl
ssl.ca.location=$tls/ca.crt
sasl.mechanism=SCRAM-SHA-512
sasl.username=admin
sasl.password=$kafka_administrator
CONF
    export STACK_KAFKA_PROPERTIES=$place/kafka.properties KCAT_CONFIG=$place/kcat.conf
    export STACK_KAFKA_SCRAM="SCRAM-SHA-512=[name=admin,password=$kafka_administrator]"
}
acls() { # users|grant|probe|topics
    local name
    for name in "${!kafka_password[@]}"; do echo "millrace-$name ${kafka_password[$name]}"; done >"$place/kafka.users"
    BOOTSTRAP=$MILLRACE_KAFKA_BOOTSTRAP_SERVERS CA=$tls/ca.crt ADMIN_PASSWORD=$kafka_administrator \
        USERS=$place/kafka.users "$python" "$root/tests/k8s/acls.py" "$1" "$place/strimzi.yaml"
}
kafka_takes_only_tls() {
    ! timeout 20 kcat -F /dev/null -L -m 5 -b "$MILLRACE_KAFKA_BOOTSTRAP_SERVERS" >/dev/null 2>&1 &&
        ! timeout 20 kcat -F /dev/null -X security.protocol=sasl_plaintext -X sasl.mechanism=SCRAM-SHA-512 \
            -X sasl.username=admin -X "sasl.password=$kafka_administrator" -L -m 5 \
            -b "$MILLRACE_KAFKA_BOOTSTRAP_SERVERS" >/dev/null 2>&1
}

# ---- PostgreSQL. The test itself comes as the administrator, from this machine.
as_role() { # name statement
    PGSSLMODE=verify-full PGSSLROOTCERT=$tls/ca.crt PGCHANNELBINDING=require PGPASSWORD=${postgresql_password[$1]} \
        psql -qAtX -U "millrace_$1" -c "$2"
}
set_postgresql_password() { sql "ALTER ROLE millrace_$1 PASSWORD '${postgresql_password[$1]}'"; } # name
secure_postgresql() {
    local folder name
    folder=$(sql 'SHOW data_directory')
    install -m 600 -o postgres "$tls"/server.{key,crt} "$folder/"
    cat >"$folder/pg_hba.conf" <<HBA
host    $PGDATABASE $PGUSER 127.0.0.1/32 trust
hostssl $PGDATABASE all 127.0.0.1/32 scram-sha-256
HBA
    psql -q -f "$root/schemas/warehouse/roles.sql"
    for name in "${!postgresql_password[@]}"; do set_postgresql_password "$name"; done
    sql 'ALTER SYSTEM SET ssl = on'
    sql 'SELECT pg_reload_conf()' >/dev/null
    await 30 as_role reader 'SELECT' || die "PostgreSQL took no role by TLS and SCRAM; see $folder/server.log"
}
postgresql_takes_only_tls() {
    as_role reader 'SELECT' && ! PGSSLMODE=disable PGCHANNELBINDING=prefer PGPASSWORD=${postgresql_password[reader]} \
        psql -X -U millrace_reader -c 'SELECT' >/dev/null 2>&1
}
rights_are_as_written() {
    local name
    for name in "${!postgresql_password[@]}"; do
        printf '127.0.0.1:*:*:millrace_%s:%s\n' "$name" "${postgresql_password[$name]}"
    done >"$place/pgpass"
    chmod 600 "$place/pgpass"
    PGPASSFILE=$place/pgpass PGSSLMODE=verify-full PGSSLROOTCERT=$tls/ca.crt "$root/tests/k8s/rights"
}

# ---- the Secrets that k8s/README.md asks for
write_secrets() {
    local name
    for name in "${services[@]}" operator; do
        cat <<SECRETS
---
apiVersion: v1
kind: Secret
metadata:
  name: $name-postgresql
stringData:
  pg_service.conf: |
    [millrace]
    user=millrace_$name
    password=${postgresql_password[$name]}
  ca.crt: |
$(sed 's/^/    /' "$tls/ca.crt")
---
apiVersion: v1
kind: Secret
metadata:
  name: $name-kafka
stringData:
  username: millrace-$name
  password: ${kafka_password[$name]}
  ca.crt: |
$(sed 's/^/    /' "$tls/ca.crt")
SECRETS
    done >"$place/secrets.yaml"
}
