@rem Leaves the environment. activate.bat restores the variables that it changed.
@"%~dp0activate.bat" --deactivate
