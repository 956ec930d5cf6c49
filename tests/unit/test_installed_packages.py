from tests.support.modules import load_module

LISTING = """installed libc6 2.36-9
installed libc6 2.36-8
config-files nginx 1.22.1-9
not-installed redis-server \ninstalled sudo 1.9.13p3-1
"""


def test_only_installed_packages_count_with_the_versions_of_all_architectures() -> None:
    packages = load_module("installed_packages").installed(LISTING)
    assert packages == {"libc6": [{"version": "2.36-9"}, {"version": "2.36-8"}], "sudo": [{"version": "1.9.13p3-1"}]}
