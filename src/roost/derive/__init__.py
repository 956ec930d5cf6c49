"""Pure functions from the stack and the topology to the inputs of the roles.

Each is a filter of the same name (`roost_nginx_sites`); `playbooks/vars/wiring.yml` is where they are called.
"""

from roost.derive import apps, certificates, data, edge, packages, server

FILTERS = (
    apps.app_names,
    apps.app_apps,
    apps.celery_apps,
    apps.celery_flower,
    certificates.certbot_ca_file,
    certificates.certbot_certificates,
    certificates.certbot_directory_url,
    certificates.certbot_dns_plugin,
    certificates.certbot_dns_propagation_seconds,
    certificates.certbot_dns_settings,
    certificates.certbot_email,
    certificates.certbot_issuer_address,
    certificates.certbot_own_certificates,
    certificates.certbot_preflight,
    certificates.certbot_shared,
    certificates.nginx_acme_issuer,
    certificates.nginx_tls_clients,
    data.postgresql_databases,
    data.postgresql_hba,
    data.postgresql_listen_addresses,
    data.postgresql_max_connections,
    data.postgresql_memory_share,
    data.postgresql_roles,
    data.postgresql_settings,
    data.redis_bind,
    data.redis_databases,
    data.redis_maxmemory_mb,
    data.redis_maxmemory_policy,
    edge.nginx_passwords,
    edge.nginx_real_ip_header,
    edge.nginx_real_ip_networks,
    edge.nginx_sites,
    edge.nginx_tls_profile,
    edge.nginx_worker_connections,
    packages.packages_names,
    server.base_admin_users,
    server.base_timezone,
    server.firewall_rules,
    server.ssh_port,
)
