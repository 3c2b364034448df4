# Source this to run the node, the tests and the `jspnet` command from this checkout:  . tools/environment.sh
_root=$(cd "$(dirname "${BASH_SOURCE[0]:-$0}")/.." && pwd)
. "$_root/.venv/bin/activate"
. "$_root/install/setup.bash"
export FASTRTPS_DEFAULT_PROFILES_FILE=$_root/config/dds_large_clouds.xml
unset _root
